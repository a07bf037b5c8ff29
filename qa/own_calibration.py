"""A library's own calibrations, kept beside it; the last one is in force.

They come before the calibration of the reader's weights, as long as they were fitted with the same
reader and the same embedder. All of a library's calibrations stand in one file, so that an undo is
one step back; a rebuild or repair of the library leaves it alone.

```
<home>/calibrations/<library>.json    {"format": 1, "calibrations": [{…, "made_with": …}, …]}
```
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from index.errors import LibraryError, ModelError
from qa.calibration import Calibration
from qa.config import Settings

FORMAT = 1
FILE = "calibration.json"
_MOST_KEPT = 20
_LOG = logging.getLogger("citespan")


def path_of(library: Path) -> Path:
    """Return where the calibrations of the library in this folder are kept."""
    return library.parent.parent / "calibrations" / f"{library.name}.json"


def in_force(library: Path, settings: Settings) -> Calibration | None:
    """Return a library's own calibration, None when it has none that fits its reader.

    Args:
        library: The library's folder.
        settings: They name the reader's weights and the embedder.

    Raises:
        LibraryError: The file is damaged.
    """
    kept = _read(path_of(library))
    if not kept:
        return None
    made_with = kept[-1].get("made_with")
    if made_with != _made_with(settings):
        _LOG.warning(
            "%s: the library's calibration was fitted with another reader or embedder and is not "
            "used; fit it anew with: citespan calibrate",
            path_of(library),
        )
        return None
    return _calibration(kept[-1], path_of(library))


def keep(library: Path, calibration: Calibration, settings: Settings) -> None:
    """Keep a calibration with a library, in one step; the earlier ones stay for `undo`.

    Raises:
        LibraryError: The file is damaged, or cannot be written.
    """
    path = path_of(library)
    added = {**asdict(calibration), "made_with": _made_with(settings)}
    _write(path, [*_read(path), added][-_MOST_KEPT:])


def drop(library: Path) -> None:
    """Take back the last calibration that was kept with a library.

    Raises:
        LibraryError: There is none to take back, or the file is damaged or cannot be written.
    """
    path = path_of(library)
    kept = _read(path)
    if not kept:
        raise LibraryError(
            f"{path}: found no calibration of this library's own to undo, expected one made by: "
            "citespan calibrate GOLDEN"
        )
    _write(path, kept[:-1])


def shipped(settings: Settings) -> Calibration:
    """Return the calibration that came with the reader.

    Raises:
        WeightsMissing: It is missing.
        ModelError: It is damaged.
    """
    # The shipped calibration knows no other reader: its own margin against "no answer" decides.
    return Calibration() if settings.reader else Calibration.load(settings.weights / FILE)


def _made_with(settings: Settings) -> dict[str, str]:
    """Return what scores depend on: a calibration fits no other reader or embedder."""
    if settings.reader:
        return {"reader": settings.reader, "embedder": settings.embedder}
    try:
        config = json.loads((settings.weights / "config.json").read_text(encoding="utf-8"))
        reader = str(config["sha256"]["reader.onnx"])
    except (OSError, ValueError, KeyError, TypeError):
        reader = str(settings.weights)
    return {"reader": reader, "embedder": settings.embedder}


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        kept = data["calibrations"]
        if data["format"] != FORMAT or not all(isinstance(one, dict) for one in kept):
            raise ValueError(f"format {data['format']}")
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LibraryError(
            f"{path}: found no calibrations of format {FORMAT} ({error!r}); move the file away to "
            "go back to the shipped calibration, then run: citespan calibrate GOLDEN"
        ) from error
    return list(kept)


def _calibration(data: Mapping[str, Any], path: Path) -> Calibration:
    try:
        return Calibration.from_dict(data)
    except ModelError as error:
        raise LibraryError(
            f"{path}: {error}; move the file away to go back to the shipped calibration, then run: "
            "citespan calibrate GOLDEN"
        ) from error


def _write(path: Path, kept: Sequence[Mapping[str, Any]]) -> None:
    """Replace the file in one step: a crash leaves the old content or the new."""
    text = json.dumps({"format": FORMAT, "calibrations": list(kept)}, indent=1) + "\n"
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise LibraryError(
            f"{path}: could not be written ({error.strerror}); nothing has changed; free space, "
            "or set CITESPAN_HOME to another folder"
        ) from error
