"""Networks in files: told unchanged by their checksums, and run by onnxruntime."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from index.errors import ModelError


def checksum(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check(path: Path, expected: str, mend: str) -> None:
    """Refuse a file that is not the one that was shipped.

    Args:
        path: The file.
        expected: Its sha256.
        mend: What to do about it, for the message.

    Raises:
        ModelError: Its checksum is another.
    """
    found = checksum(path)
    if found != expected:
        raise ModelError(f"{path}: found checksum {found[:12]}, expected {expected[:12]}; {mend}")


def open_network(path: Path, threads: int, kind: str, mend: str) -> Any:
    """Return an onnxruntime session on the processor.

    Args:
        path: The ONNX file.
        threads: Threads of one run.
        kind: What it should be ("reader"), for the message.
        mend: What to do when it is not, for the message.

    Raises:
        ModelError: The file is no model.
    """
    import onnxruntime

    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Threads that wait by spinning take a shared machine from whoever works on it.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Without VNNI instructions, sums of products with 8 signed bits would saturate and answers
    # differ from machine to machine: weights are given an offset for a sign there, which is exact
    # and slower. onnxruntime would do it with those instructions as well.
    if not _has_vnni():
        options.add_session_config_entry("session.x64quantprecision", "1")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors share no public base
        raise ModelError(
            f"{path} cannot be loaded ({type(error).__name__}), expected an ONNX {kind}; {mend}"
        ) from error


def _has_vnni() -> bool:
    """Tell whether the processor says that it has them, which only Linux passes on."""
    try:
        return "avx512_vnni" in Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    except OSError:
        return False
