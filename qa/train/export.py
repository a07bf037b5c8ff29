"""Trained weights to what is shipped: int8 ONNX, tokenizer, config and model card."""

from __future__ import annotations

import json
import random
import tempfile
import warnings
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from index.network import checksum
from qa import rereading
from qa.reader import open_reader
from qa.reader_files import CONFIG_FILE, MODEL_FILE, TOKENIZER_FILE
from qa.train.data import Example, held_out, read
from qa.train.features import batches
from qa.train.model import ReaderModel
from qa.train.score import fit_score
from qa.train.smooth import smooth

OUTPUTS = ["start", "end", "relevance", "answerability"]
INPUTS = ["ids", "mask", "types"]


class _Plain(nn.Module):
    """The model with a tuple for output, as ONNX wants it."""

    def __init__(self, model: ReaderModel) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, ids: Tensor, mask: Tensor, types: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        logits = self.model(ids, mask, types)
        return logits.start, logits.end, logits.relevance, logits.answerability


def to_onnx(model: ReaderModel, path: Path) -> None:
    """Write the model as fp32 ONNX for batches of any size."""
    # Three tensors, not one thrice: the exporter takes equal objects for one input.
    ids, mask, types = (torch.ones(2, 16, dtype=torch.long) for _ in range(3))
    shape = {0: torch.export.Dim("n"), 1: torch.export.Dim("t", max=512)}
    # Written-out attention: the fused kernel is exported with a guard against rows of NaN.
    model.bert.set_attn_implementation("eager")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            _Plain(model.eval()),
            (ids, mask, types),
            dynamo=True,
            input_names=INPUTS,
            output_names=OUTPUTS,
            dynamic_shapes=(shape, shape, shape),
            verbose=False,
        )
    assert program is not None
    program.save(str(path))


def quantize(source: Path, target: Path, *, bits: int = 8) -> None:
    """Write `source` with signed weights of so many bits, activations quantised as they come.

    Those of 7 bits move margins by 0.59 on average where those of 8 move them by 0.20, and cost
    1.2 F1 on SQuAD 2.0. Processors without VNNI instructions (any before 2019, and AMD's before
    2022) saturate the 16-bit sums of products with 8 signed bits; `index.network.open_network` has
    them compute without a sign instead, which is exact and takes longer (docs/reader.md).

    Args:
        source: fp32 ONNX.
        target: Where to.
        bits: 8, or 7 for what is fast everywhere rather than exact.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        source, target, per_channel=True, reduce_range=bits == 7, weight_type=QuantType.QInt8
    )


def export(
    model: ReaderModel, tokenizer: Tokenizer, data: Path, out: Path, made: dict[str, Any]
) -> None:
    """Write `reader.onnx`, `tokenizer.json` and `config.json` into `out`.

    Args:
        model: The trained model.
        tokenizer: Its tokenizer.
        data: The data folder, for the pairs that the score is fitted on.
        out: Where to; made when it is not there.
        made: How the weights were made (start, plan, …), kept in the config.
    """
    out.mkdir(parents=True, exist_ok=True)
    unseen = score_examples(data)
    smooth(model, islice(batches(unseen, tokenizer, 256, 4096, seed=0), 8))
    with tempfile.TemporaryDirectory() as scratch:
        exact = Path(scratch) / "reader.onnx"
        to_onnx(model, exact)
        quantize(exact, out / MODEL_FILE)
    tokenizer.save(str(out / TOKENIZER_FILE))
    score = fit_score(open_reader(out, rereading.SENTENCES), unseen)
    files = {name: checksum(out / name) for name in (MODEL_FILE, TOKENIZER_FILE)}
    config = {"score": asdict(score), "sha256": files, "made": made}
    (out / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def to_hugging_face(model: ReaderModel, tokenizer: Tokenizer, folder: Path) -> None:
    """Write the encoder and the span head as a Hugging Face extractive reader, float32.

    The other two heads have no place in that layout.

    Args:
        model: The reader.
        tokenizer: Its tokenizer, with BERT's special tokens.
        folder: Where to; made when it is not there.
    """
    from transformers import BertForQuestionAnswering, PreTrainedTokenizerFast

    wrap: Any = PreTrainedTokenizerFast
    reader = BertForQuestionAnswering(model.config)
    weights = {
        name.replace("span.", "qa_outputs.", 1) if name.startswith("span.") else name: values
        for name, values in model.state_dict().items()
        if name.startswith(("bert.", "span.")) and not name.startswith("bert.pooler.")
    }
    reader.load_state_dict(weights)
    reader.save_pretrained(folder)
    # A copy: the wrapper sets padding and truncation on what it is given.
    wrapped = wrap(
        tokenizer_object=Tokenizer.from_str(tokenizer.to_str()),
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        model_max_length=model.config.max_position_embeddings,
        # Left out by default; without types the question is read as a part of the passage.
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )
    wrapped.save_pretrained(folder)


def score_examples(data: Path, count: int = 400) -> list[Example]:
    """Return the pairs that the score is fitted on: answered, unanswerable and off the passage.

    All are of articles that are never trained on: of what it has learnt by heart a reader is surer.
    """
    file = data / "squad-v2.0-train-articles.json.gz"
    unseen = [example for example in read(file) if held_out(example)]
    rng = random.Random(0)
    examples = rng.sample(unseen, min(count, len(unseen)))
    swapped = [
        replace(one, context=other.context, answers=(), relevant=False)
        for one, other in zip(examples, rng.sample(examples, len(examples)), strict=True)
        if one.context != other.context
    ]
    return examples + swapped[: count // 2]
