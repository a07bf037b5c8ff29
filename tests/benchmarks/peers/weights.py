"""The shipped reader's weights for readers that run on torch: int8 ONNX to a Hugging Face folder.

A peer reads with the very weights that are shipped, in float32. What is written is compared with
the shipped reader before anyone is measured with it.

    python -m tests.benchmarks.peers.weights FOLDER
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tokenizers import Tokenizer

from qa.config import Settings
from qa.reader import Reader, open_reader
from qa.reader_files import MODEL_FILE, TOKENIZER_FILE
from qa.train.export import to_hugging_face
from qa.train.start import from_onnx


def write(folder: Path, source: Path | None = None) -> Path:
    """Write a reader, by default the shipped one, in the Hugging Face layout.

    Raises:
        ValueError: What was written reads otherwise than the source.
    """
    source = source or Settings().weights
    tokenizer = Tokenizer.from_file(str(source / TOKENIZER_FILE))
    to_hugging_face(from_onnx(source / MODEL_FILE), tokenizer, folder)
    check(open_reader(source), folder)
    return folder


def check(reader: Reader, folder: Path, questions: int = 12) -> None:
    """Raise ValueError when a folder's reader is not the given one, but for int8's rounding.

    The sample's answered questions are read by both. Weights that lost a factor, or a layer, find
    other spans for most of them; rounded activations move few.
    """
    from qa import golden, hugging_face
    from qa.config import seeds_folder

    (article,) = (path.read_text(encoding="utf-8") for path in seeds_folder().glob("*.txt"))
    texts = [part for part in article.split("\n\n") if len(part) > 200]
    asked = [pair.question for pair in golden.load(seeds_folder() / "golden.yaml") if pair.answers]
    other = hugging_face.open_reader(str(folder), Settings())
    pairs = [(question, texts) for question in asked[:questions]]
    ours, theirs = reader.read_many(pairs), other.read_many(pairs)
    same = sum(a[0].text == b[0].text for a, b in zip(ours, theirs, strict=True))
    moved = max(abs(a[0].margin - b[0].margin) for a, b in zip(ours, theirs, strict=True))
    if same < 0.8 * len(pairs):
        raise ValueError(
            f"{folder}: found {same} of {len(pairs)} best spans the same as the shipped reader's "
            f"(margins up to {moved:.1f} apart), expected 80 % of them; has the ONNX file's form "
            "changed?"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    write(parser.parse_args().folder)
