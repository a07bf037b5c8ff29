"""Runs syncs in forked children and kills each after a given time; a script for `test_crash`.

Arguments: folder of documents. Standard input: lines of "<home> <seconds>". Standard output: a
line each, `finished` or `killed`. Forking spares a start of Python and its imports each time.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import faiss  # noqa: F401  (imported before forking, for speed only)
import langchain_text_splitters  # noqa: F401
import markdown_it  # noqa: F401

from tests.index_fakes import open_library


def main() -> None:
    folder = Path(sys.argv[1])
    for line in sys.stdin:
        home, seconds = line.split()
        child = os.fork()
        if child == 0:
            open_library(folder, Path(home)).sync()
            os._exit(0)
        time.sleep(float(seconds))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        sys.stdout.write("killed\n" if os.WIFSIGNALED(status) else "finished\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
