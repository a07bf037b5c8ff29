"""`.citespanignore`: what to leave out of a library, in the manner of `.gitignore`.

One pattern a line. `*` and `?` stay inside a name, `**` crosses folders, a slash at the end means
folders only, a slash anywhere else anchors the pattern at the folder that holds the file, `!`
takes back in, `#` starts a comment. The last pattern that fits decides.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from index.errors import LibraryError

NAME = ".citespanignore"
_LARGEST = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    folders_only: bool
    ignored: bool


class IgnoreRules:
    """The rules of one folder; without the file, nothing is ignored."""

    def __init__(self, folder: Path) -> None:
        """Read the rules.

        Raises:
            LibraryError: They cannot be read, or are no file of their own (a link, a pipe) of at
                most 1 MiB; without them what is left out would be taken in.
        """
        self._rules: list[_Rule] = []
        path = folder / NAME
        try:
            found = os.lstat(path)
            _check(path, found)
            text = path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return
        except OSError as error:
            raise LibraryError(
                f"{path}: cannot be read ({error.strerror}), expected rules that can be, or none; "
                f"allow the reading (chmod u+rx on its folder, u+r on the file), or remove it, "
                "and run the command again"
            ) from error
        self._rules = [rule for line in text.splitlines() if (rule := _read(line))]

    def ignores(self, name: str, *, folder: bool) -> bool:
        """Tell whether a POSIX path inside the folder is left out."""
        for rule in reversed(self._rules):
            if (folder or not rule.folders_only) and rule.pattern.fullmatch(name):
                return rule.ignored
        return False


def _check(path: Path, found: os.stat_result) -> None:
    if stat.S_ISREG(found.st_mode) and found.st_size <= _LARGEST:
        return
    kind = "a link" if stat.S_ISLNK(found.st_mode) else "no file"
    what = f"{found.st_size:,} bytes" if stat.S_ISREG(found.st_mode) else kind
    raise LibraryError(
        f"{path}: found {what}, expected a file of its own of at most {_LARGEST:,} bytes, so that "
        "what it leaves out stays out; put such a file there, or remove it, and run the command "
        "again"
    )


def _read(line: str) -> _Rule | None:
    line = line.rstrip()
    if not line or line.startswith("#"):
        return None
    ignored = not line.startswith("!")
    line = line.removeprefix("!")
    folders_only = line.endswith("/")
    line = line.rstrip("/")
    if not line:
        return None
    prefix = "" if "/" in line else "(?:.*/)?"
    return _Rule(re.compile(prefix + glob_expression(line.lstrip("/"))), folders_only, ignored)


def glob_expression(glob: str) -> str:
    """Return a glob as a regular expression; `*` and `?` do not cross a slash, `**` does."""
    parts = []
    for found in re.finditer(r"\*\*/|\*+|\?|\[[^\]/]+\]|.", glob, re.DOTALL):
        token = found[0]
        if token == "**/":
            parts.append("(?:.*/)?")
        elif token.startswith("**"):
            parts.append(".*")
        elif token == "*":
            parts.append("[^/]*")
        elif token == "?":
            parts.append("[^/]")
        elif token.startswith("[") and len(token) > 2:
            parts.append(_class(token[1:-1]))
        else:
            parts.append(re.escape(token))
    return "".join(parts)


def _class(inside: str) -> str:
    """Return what stands in brackets as a class; one that makes no sense (`z-a`) fits nothing."""
    negated = inside[0] in "!^"
    letters = inside[negated:].replace("\\", "\\\\").replace("[", "\\[")
    expression = f"[{'^' if negated else ''}{letters}]"
    try:
        re.compile(expression)
    except re.error:
        return "(?!)"
    return expression
