"""The model card: what the weights are, how they were made, what they reach."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qa.reader_files import CONFIG_FILE
from qa.train.data import FITTING_TITLES, SOURCES
from qa.train.start import CROSS_ENCODER
from qa.train.written import WEIGHT

_CARD = """# Citespan's reader

An extractive question-answering reader: question and passage in, three answers out of one pass:
whether the passage is relevant, whether it answers, and the exact span.
BERT, {layers} layers, hidden size {hidden}, 33 million parameters, int8 ONNX.

* Start: {start}
* Trained by: `{command}`
* Steps: {steps} of about {tokens} tokens; seed {seed}; weights averaged while training.
{mixed}* Score: log-odds = {score}
* Licence: Apache-2.0; the data's licences (CC BY 4.0, CC BY-SA 4.0, Apache-2.0, MIT, BSD-3-Clause)
  concern the data, which is not part of the weights.

## Data

{sources}

{written}Copies an epoch while the rate rises and is held, and while it falls. Single sentences of
`squad-train-part` are read among up to four others that share words with them.

Negatives: passages that BM25 returns for the question and that lack its answer (20 %); one name,
number, unit or other word swapped, half of the time in the passage where it can be, two names
exchanged or the verb negated ({swapped:.0%}); and the unanswerable ones of SQuAD 2.0. With a name
swapped in question and passage (10 %) the answer stands. {conditioned:.0%} are tried to be given a
condition more, a time or a place of the passage: from the answer's sentence, which leaves it, or
from elsewhere, which does not; about one in twelve can be. Asked besides (× 0.5): what
abbreviations stand for, of passages that write them out and of passages that do not; who wrote a
passage, when and where, of lines of credit put to it, and what it is about. {shorter:.0%} of the
passages are shortened to a sentence with its neighbours, three quarters of the answered ones to
their answer's.

Held out by this command: a tenth of SQuADShifts (by passage), for measuring, and two articles of
SQuAD 2.0 ({fitting}), on whose questions the score and the confidence are fitted;
the confidence also on as many of the former, asked of articles that do not answer them.
{warm_data}
## Evaluations while training

On random dev questions, gold paragraph, before int8, averaged weights. A few dozen questions each:
they show that training went well, the README has the figures that count.

{evaluations}

## Checksums (sha256)

{checksums}
"""
_WRITTEN = """And {questions:,} questions on {passages:,} passages of these files, written for this
project (`written.jsonl.gz`): {unanswered:,} have no answer and are made to mislead, the others
have one and are made to look alike. Each × {weight} times a share by which their words do not tell
which kind they are of (`qa/train/written.py`).{fresh}

"""
_FRESH = """ While the rate falls, all but the last {fresh:,} count a
third of that: the start has read them."""
_HALF_TRAINED = "a half-trained reader of the same shape, itself from `ms-marco-MiniLM-L-12-v2`"
_WARM = """
The start had itself been trained on SQuADShifts (all of it) and most of the files above, from
`ms-marco-MiniLM-L-12-v2`; figures on SQuADShifts are therefore not held out for this version, and
the start had read the two articles of SQuAD 2.0 as well.
"""


def write(out: Path, run: Path) -> None:
    """Write `README.md` beside the weights in `out`, with the log of the run."""
    config = json.loads((out / CONFIG_FILE).read_text(encoding="utf-8"))
    made, plan = config["made"], config["made"]["plan"]
    options = _options(plan)
    card = _CARD.format(
        layers=12,
        hidden=384,
        start=_start(made["start"]),
        command=f"python -m qa.train --data DATA {_from(made['start'])}{options}",
        steps=made["steps"],
        tokens=plan["tokens"],
        seed=plan["seed"],
        score=" + ".join(
            str(value) if name == "bias" else f"{value} · {name}"
            for name, value in config["score"].items()
        ),
        swapped=plan["swapped"],
        conditioned=plan["conditioned"],
        shorter=plan["shorter"],
        sources="\n".join(
            f"* `{item.name}` × {item.weight}"
            + (f", then × {item.late}" if item.late is not None else "")
            for item in SOURCES
        ),
        written=_written(made["written"], plan.get("fresh", 0)) if "written" in made else "",
        fitting=", ".join(sorted(FITTING_TITLES)).replace("_", " "),
        warm_data=_WARM if isinstance(made["start"], str) and _from(made["start"]) else "",
        evaluations=_evaluations(run / "log.jsonl"),
        mixed=_runs("Begun from the mean of several, one of them", made.get("begun_from", []))
        + _runs("Averaged, all alike, with", made.get("mixed_with", []))
        + (f"* Learnt from a teacher as well: {made['teacher']}\n" if "teacher" in made else ""),
        checksums="\n".join(f"* `{name}`: `{value}`" for name, value in config["sha256"].items()),
    )
    (out / "README.md").write_text(card, encoding="utf-8")


def _written(described: Mapping[str, int], fresh: int) -> str:
    new = _FRESH.format(fresh=fresh) if fresh else ""
    return _WRITTEN.format(**described, weight=WEIGHT, fresh=new)


def _start(start: str | Mapping[str, Any]) -> str:
    """Say what was set out from, and of a reader that was shipped how it was made in its turn."""
    if start == CROSS_ENCODER:
        return f"`{start}` (Apache-2.0)"
    if isinstance(start, str):
        return f"{_HALF_TRAINED} (Apache-2.0)"
    made = start["made"]
    return "\n  ".join(
        [
            f"the reader shipped before (`reader.onnx` with sha256 `{start['sha256']}`; its",
            "shares of the data are in `config.json`), made by",
            f"`python -m qa.train --data DATA {_from(made['start'])}{_options(made['plan'])}`,",
            *(f"averaged with {_run(run)}," for run in made.get("mixed_with", [])),
            f"from {_start(made['start'])}",
        ]
    )


def _from(start: str | Mapping[str, Any]) -> str:
    return "" if start == CROSS_ENCODER else "--start START "


def _runs(how: str, runs: Sequence[Mapping[str, Any]]) -> str:
    return "".join(f"* {how} {_run(run)}\n" for run in runs)


def _run(run: Mapping[str, Any]) -> str:
    """Name a run by its plan, or a finished reader by its checksum."""
    if "plan" in run:
        return f"a run of {run['steps']} steps: `{_options(run['plan'])}`"
    return f"the reader whose `reader.onnx` has sha256 `{run['sha256']}`"


def _options(plan: Mapping[str, Any]) -> str:
    return " ".join(f"--{name} {value}" for name, value in plan.items())


def _evaluations(log: Path) -> str:
    records = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    measured = [record for record in records if "loss" not in record]
    if not measured:
        return "None."
    names = [name for name in measured[0] if name not in ("time", "step")]
    lines = ["| step | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for record in measured:
        figures = " | ".join(str(record[name]) for name in names)
        lines.append(f"| {record['step']} | {figures} |")
    return "\n".join(lines)
