"""If this fails, the program that the README shows does not get its answers, or calls elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.e2e.conftest import start
from tests.test_readme import ROOT, blocks

# Run before the example: whatever leaves this machine is told of, and refused.
GUARD = """
import socket
from tests.conftest import is_local
def guarded(kept, place):
    def call(*given, **named):
        target = place(given)
        if not is_local(target):
            print("LEFT", target)
            raise ConnectionRefusedError(target)
        return kept(*given, **named)
    return call
socket.getaddrinfo = guarded(socket.getaddrinfo, lambda given: (given[0],))
socket.socket.connect = guarded(socket.socket.connect, lambda given: given[1])
from tests.test_readme import run_python
"""
# gradio_client reports from a thread of its own.
WAIT = "import time; time.sleep(3)"


def test_the_client_example_runs_as_it_stands_and_stays_here(seed_assistant):
    (block,) = [b for b in blocks("README.md", "python") if "gradio_client" in b.body]
    address, stop = start(seed_assistant)
    try:
        source = block.body.replace("http://127.0.0.1:7860/", address)
        assert source != block.body
        # No promise of quiet is made by the environment: the example has to make its own.
        quiet = ("HF_HUB_OFFLINE", "GRADIO_ANALYTICS_ENABLED", "HF_HUB_DISABLE_TELEMETRY")
        environment = {name: value for name, value in os.environ.items() if name not in quiet}
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                f"{GUARD}\nprint('WRONG', run_python({source!r}, {{}}))\n{WAIT}",
            ],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
        )
    finally:
        stop()
    assert done.stdout.splitlines() == ["WRONG []"], done.stderr
