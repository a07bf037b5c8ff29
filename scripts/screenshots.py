"""Make docs/screenshots/*.png again: start `citespan serve`, use the page, take its picture.

Needs a Chromium (scripts/chromium.sh) and the development packages (make test installs both).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "screenshots"
MAX_BYTES = 300_000
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
ANSWERED = """n => {
  const turns = document.querySelectorAll('.cs-turn');
  return turns.length > n && !turns[turns.length - 1].querySelector('.cs-stage');
}"""


@contextmanager
def served() -> Iterator[str]:
    """Serve the sample article from a home of its own; give the page's address."""
    with tempfile.TemporaryDirectory(prefix="citespan-screenshots-") as home:
        process = subprocess.Popen(
            [sys.executable, "-m", "ui.cli", "serve", "--port", "0"],
            cwd=ROOT,
            env={**os.environ, "CITESPAN_HOME": home},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            yield next(line.split()[3] for line in process.stdout if " is at http" in line)
        finally:
            process.terminate()
            process.wait(timeout=10)


def opened(browser: Browser, address: str, width: int, height: int, scheme: str) -> Page:
    """Open the page in a window of this size and in this light."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#cs-question textarea")
    page.wait_for_function("window.citespanReady")
    return page


def ask(page: Page, question: str) -> None:
    """Ask, and wait for what comes back."""
    before = page.locator(".cs-turn").count()
    page.fill("#cs-question textarea", question)
    page.press("#cs-question textarea", "Enter")
    page.wait_for_function(ANSWERED, arg=before, timeout=60_000)
    page.wait_for_timeout(400)


def shoot(page: Page, name: str) -> None:
    """Keep the page's picture, in few enough colours to stay small."""
    path = TARGET / f"{name}.png"
    page.screenshot(path=path)
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(192).save(path, optimize=True)
    size = path.stat().st_size
    assert size <= MAX_BYTES, f"{path} has {size:,} bytes, expected at most {MAX_BYTES:,}"
    sys.stdout.write(f"{path.relative_to(ROOT)}  {size:,} bytes\n")


def main() -> None:
    """Take all pictures."""
    TARGET.mkdir(parents=True, exist_ok=True)
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next((path for path in map(shutil.which, names) if path), None)
    if chromium is None:
        sys.exit("found no Chromium on PATH; run: scripts/chromium.sh")
    with served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for scheme in ("light", "dark"):
            page = opened(browser, address, 1280, 800, scheme)
            ask(page, "who designated the cartel?")
            shoot(page, f"answer-{scheme}")
        page = opened(browser, address, 1280, 800, "light")
        ask(page, "Who designated the Sinaloa cartel?")
        page.wait_for_selector(".cs-instead", timeout=60_000)
        shoot(page, "refusal")
        page = opened(browser, address, 400, 800, "light")
        ask(page, "How many people have been killed?")
        shoot(page, "phone")
        browser.close()


if __name__ == "__main__":
    main()
