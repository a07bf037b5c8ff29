"""Any extractive reader in the Hugging Face layout, in place of the shipped one.

Such a reader has a span head and no other, so a span's `score` is its margin: the log of
P(span) / P(no answer) under the two softmaxes (Devlin et al. 2019, section 4.3), which compares
passages for readers trained with unanswerable questions (SQuAD 2.0). One trained without them has
never learnt what "no answer" is and answers everything. Answerability and relevance are 0, "can't
tell". It runs on torch, in float32.
"""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from index.errors import ModelError, WeightsMissing
from qa.config import Settings
from qa.reader import Frame, Reader
from qa.reader_files import Floats, Ints, Run

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

_SMALL = 8  # numbers of padding tokens that positions may be counted from behind
_EXPECTED = "expected an extractive reader (config.json, model.safetensors, tokenizer.json)"


def open_reader(name: str, settings: Settings | None = None) -> Reader:
    """Open a reader from a folder or from the local Hugging Face cache; nothing is fetched.

    Args:
        name: A folder, or the name of a model that was downloaded before (`hf download NAME`).
        settings: Sizes; the windows are kept within what the model takes.

    Raises:
        WeightsMissing: There is no such model on this machine, or its files cannot be read.
        ModelError: It is no extractive reader, or one whose tokenizer gives no offsets.
    """
    settings = settings or Settings()
    model, tokenizer = _load(name)
    if not tokenizer.is_fast:
        raise ModelError(
            f"reader {name!r}: found a tokenizer without offsets, expected a fast one; "
            "save it with its tokenizer.json, or name another reader"
        )
    frame = frame_of(tokenizer.backend_tokenizer, name)
    return Reader(
        _run(model, settings.threads),
        tokenizer.backend_tokenizer,
        frame=frame,
        window_tokens=min(settings.window_tokens, _longest(model, tokenizer)),
        window_stride=settings.window_stride,
        max_answer_tokens=settings.max_answer_tokens,
    )


def _load(name: str) -> tuple[Any, Any]:
    """Return the model and its tokenizer."""
    for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
        os.environ[variable] = "1"
    import torch
    from huggingface_hub import snapshot_download
    from safetensors import SafetensorError
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer
    from transformers.utils import logging

    silent = cast(Any, logging)
    silent.disable_progress_bar()
    verbosity = silent.get_verbosity()
    silent.set_verbosity_error()
    tokenizer_class: Any = AutoTokenizer
    folder = Path(name).expanduser()
    try:
        # A folder from here on: given a name, transformers may ask the hub in spite of the flag.
        source = folder if folder.is_dir() else snapshot_download(name, local_files_only=True)
        tokenizer = tokenizer_class.from_pretrained(source, local_files_only=True)
        # Never a pickle: weights are data.
        model, found = AutoModelForQuestionAnswering.from_pretrained(
            source,
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise WeightsMissing(
            f"reader {name!r}: found no usable weights ({str(error).splitlines()[0]}), "
            f"{_EXPECTED} in that folder or in the local cache; run: hf download {name}, or unset "
            "CITESPAN_READER for the shipped reader"
        ) from error
    finally:
        silent.set_verbosity(verbosity)
    if found["missing_keys"]:
        # transformers would fill them with random numbers and go on.
        raise ModelError(
            f"reader {name!r}: found no weights for {sorted(found['missing_keys'])[0]}, "
            f"{_EXPECTED}; unset CITESPAN_READER for the shipped reader"
        )
    return model.eval(), tokenizer


def frame_of(tokenizer: Tokenizer, name: str) -> Frame:
    """Learn the special tokens around question and passage from how a pair is encoded.

    Args:
        tokenizer: Encodes pairs as the model was trained on them.
        name: The model, for the message.

    Raises:
        ModelError: The encoding has no room for "no answer" before the question.
    """
    tokenizer.no_padding()
    tokenizer.no_truncation()
    pair: Encoding = tokenizer.encode("a", "b")
    whose = pair.sequence_ids
    if None in (*whose[:1], *whose[-1:]) and 0 in whose and 1 in whose:
        asked, read = whose.index(0), whose.index(1)
        last = len(whose) - whose[::-1].index(1)
        between = next(at for at in range(asked, read) if whose[at] is None)
        if asked > 0 and read > between:
            return Frame(
                before=tuple(pair.ids[:asked]),
                between=tuple(pair.ids[between:read]),
                after=tuple(pair.ids[last:]),
                passage_type=pair.type_ids[read],
            )
    raise ModelError(
        f"reader {name!r}: found the pair of a question and a passage encoded as {pair.tokens}, "
        "expected a first token that stands for no answer, as BERT and RoBERTa have; "
        "name another reader, or unset CITESPAN_READER for the shipped one"
    )


def _longest(model: Any, tokenizer: Any) -> int:
    """Return the most tokens in a window."""
    positions = getattr(model.config, "max_position_embeddings", 512)
    # RoBERTa counts positions from behind its padding token's number, which is a small one; what is
    # a large one, as ModernBERT's 50,283, has nothing to do with positions.
    padding = tokenizer.pad_token_id or 0
    usable = positions - (padding if padding < _SMALL else 0) - 1
    return int(min(usable, tokenizer.model_max_length))


def _run(model: Any, threads: int) -> Run:
    import torch

    if threads:
        torch.set_num_threads(threads)
    typed = "token_type_ids" in inspect.signature(model.forward).parameters

    def run(ids: Ints, mask: Ints, types: Ints) -> tuple[Floats, Floats, Floats, Floats]:
        given = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
        if typed:
            given["token_type_ids"] = torch.from_numpy(types)
        with torch.inference_mode():
            logits = model(**given)
        undecided = np.zeros(len(ids), dtype=np.float32)
        return logits.start_logits.numpy(), logits.end_logits.numpy(), undecided, undecided

    return run
