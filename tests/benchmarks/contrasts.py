"""Count words that exclude what is asked, in the reading data; see `qa/contrasts.py`.

    python -m tests.benchmarks.contrasts ../shared/data

Of questions that have an answer, in the sentence (or all sentences) that it stands in; of the
misleading ones of SQuAD 2.0, in their whole passage, since nobody has marked what misleads.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from index.chunks import sentence_around
from qa.contrasts import contradicts, contrasted
from qa.train import data

MISLEADING = "squad-v2.0-train-articles.json.gz"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    examples = {(one.question, one.context): one for one, _ in data.load(options.folder)}
    answered = [one for one in examples.values() if one.answers]
    found = 0
    for one in answered:
        asked = contrasted(one.question)
        places = [sentence_around(one.context, *answer) for answer in one.answers if asked]
        found += bool(asked) and all(contradicts(asked, one.context[slice(*at)]) for at in places)
    misleading = [one for one in data.read(options.folder / MISLEADING) if not one.answers]
    misled = sum(
        contradicts(contrasted(one.question), one.context) is not None for one in misleading
    )
    for name, count, among in (
        ("have an answer", found, len(answered)),
        ("are made to mislead", misled, len(misleading)),
    ):
        sys.stdout.write(f"{count:4} of {among:,} that {name}: {100 * count / among:.2f} %\n")


if __name__ == "__main__":
    main()
