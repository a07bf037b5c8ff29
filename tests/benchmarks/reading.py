"""Measure the shipped reader on SQuAD files, on gold paragraphs and with open retrieval.

    python -m tests.benchmarks.reading DEV.json.gz [MORE.json.gz …] [--open] [--limit N]
        [--documents MORE.json.gz …] [--home FOLDER] [--save FOLDER]
        [--held-out] [--checkpoint RUN/checkpoint.pt]

With `--open` the paragraphs of all the files given are the documents. `--held-out` keeps the
questions that no training reads (for files of which a part is trained on), and `--checkpoint` reads
with a run's averaged weights in fp32, to tell what int8 costs.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import qa
from qa import golden, reading
from qa.config import Settings
from qa.golden_summary import table
from qa.goldenset import GoldenSet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--open", action="store_true", help="search all paragraphs")
    parser.add_argument("--documents", nargs="*", type=Path, default=[], help="only paragraphs")
    parser.add_argument("--limit", type=int, help="random questions of each file")
    parser.add_argument("--home", type=Path, help="where the index of --open is kept")
    parser.add_argument("--save", type=Path, help="folder for the runs as JSON")
    parser.add_argument("--held-out", action="store_true", help="only what is not trained on")
    parser.add_argument("--checkpoint", type=Path, help="read with these weights, in fp32")
    options = parser.parse_args()
    sets = [golden.load(path) for path in options.files]
    if options.held_out:
        sets = [kept_out(one) for one in sets]
    asked = [limited(golden_set, options.limit) for golden_set in sets]
    if options.open:
        more = [golden.load(path) for path in options.documents]
        reports = run_open(asked, [*sets, *more], options.home)
    else:
        reader = exact(options.checkpoint) if options.checkpoint else qa.Reader.default()
        reports = [reading.evaluate_reader(reader, one, progress=show) for one in asked]
    for path, report in zip(options.files, reports, strict=True):
        sys.stdout.write(reading.text(report) + "\n")
        if options.open:
            sys.stdout.write(table(report.summary()) + "\n")
        if options.save:
            options.save.mkdir(parents=True, exist_ok=True)
            mode = "open" if options.open else "gold"
            report.save(options.save / f"{path.name.split('.json')[0]}-{mode}.json")


def limited(golden_set: GoldenSet, limit: int | None) -> GoldenSet:
    """Return `limit` random pairs of a set, the same ones each time."""
    if limit is None or limit >= len(golden_set):
        return golden_set
    pairs = random.Random(0).sample(golden_set.pairs, limit)
    return replace(golden_set, pairs=tuple(pairs))


def kept_out(golden_set: GoldenSet) -> GoldenSet:
    """Return the pairs whose passage `qa.train` leaves out."""
    from qa.train.data import Example, held_out

    source = golden_set.path.name.split(".json")[0]
    pairs = tuple(
        pair
        for pair in golden_set.pairs
        if held_out(
            Example("", golden_set.documents[pair.document or ""], (), True, source, title="")
        )
    )
    return replace(golden_set, pairs=pairs)


def exact(checkpoint: Path) -> qa.Reader:
    """Return a reader of a run's averaged weights in fp32; its score is the shipped one's."""
    import torch
    from tokenizers import Tokenizer

    from qa import rereading
    from qa.reader import ScoreWeights
    from qa.reader_files import checked_config
    from qa.train import score, start

    folder = start.cross_encoder_folder()
    network = start.from_cross_encoder(folder)
    state = torch.load(checkpoint, weights_only=True)
    network.load_state_dict(state["model"])
    network.load_state_dict(state["averaged"], strict=False)
    weights = ScoreWeights(**checked_config(Settings().weights)["score"])
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return qa.Reader(score.torch_run(network), tokenizer, weights, sentences=rereading.SENTENCES)


def run_open(
    asked: list[GoldenSet], documents: list[GoldenSet], home: Path | None
) -> list[golden.GoldenReport]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = (home or Path(scratch)) / "paragraphs"
        for one in documents:
            one.write_documents(folder)
        assistant = qa.open(folder, settings=Settings(home=home or Path(scratch)))
        return [golden.run(one, assistant, progress=show) for one in asked]


def show(done: int, total: int) -> None:
    if sys.stderr.isatty() or done % 100 == 0:
        sys.stderr.write(f"\r{done}/{total}")
        sys.stderr.flush()


if __name__ == "__main__":
    main()
