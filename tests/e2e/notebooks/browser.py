"""Uses JupyterLab in a headless Chromium as a user does; also takes the picture for the README.

`python tests/e2e/notebooks/browser.py URL FILE N` runs all cells and takes a picture of the notebook at its Nth plot.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-proxy-server"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
VIEW = {"width": 1400, "height": 900}
_PATIENCE_MS = 120_000


def find_browser() -> str | None:
    """The path of Chromium on this machine; None if it is not installed."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@contextmanager
def opened(program: str) -> Iterator[Any]:
    """A new page, without a token."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        try:
            page = browser.new_page(viewport=VIEW)
            page.set_default_timeout(_PATIENCE_MS)
            # When a container starts or ends, Chromium sees a change of networks and drops its connections.
            lost = page.locator(".jp-Dialog", has_text="Server Connection Error")
            page.add_locator_handler(lost, lambda: lost.locator("button.jp-mod-accept").click())
            yield page
        finally:
            browser.close()


def open_notebook(page: Any, url: str) -> None:
    """Open a notebook, close all others, and wait for its kernel."""
    page.goto(f"{url}&reset")
    page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook").wait_for()
    page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for()


def choose(page: Any, menu: str, entry: str) -> None:
    """Choose an entry of a menu by its text."""
    page.locator(".lm-MenuBar-item", has_text=menu).first.click()
    page.locator(".lm-Menu-item", has=page.get_by_text(entry, exact=True)).click()


def run_all(page: Any) -> None:
    """Choose Run > Run All Cells."""
    choose(page, "Run", "Run All Cells")


def restart_and_run_all(page: Any) -> None:
    """Choose Kernel > Restart Kernel and Run All Cells…, and confirm the restart."""
    choose(page, "Kernel", "Restart Kernel and Run All Cells…")
    page.locator(".jp-Dialog button.jp-mod-accept").click()


def wait_until_idle(page: Any) -> None:
    """Wait until every cell has run."""
    page.wait_for_function(
        """() => {
          const shown = document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden)');
          const indicator = shown.querySelector('.jp-Notebook-ExecutionIndicator');
          const prompts = [...shown.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')].map(x => x.textContent);
          return indicator.dataset.status === 'idle' && prompts.length && !prompts.some(x => x.includes('*'))
            && prompts.some(x => /[0-9]/.test(x));
        }"""
    )


def save(page: Any) -> None:
    """Press Ctrl-S, and wait until the notebook is saved."""
    page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook").focus()
    page.keyboard.press("Control+s")
    page.locator(".lm-TabBar-tab.lm-mod-current.jp-mod-dirty").wait_for(state="detached")


def take_picture(program: str, url: str, file: Path, plot: int) -> None:
    """Take a picture of the notebook with its outputs, scrolled to a plot."""
    with opened(program) as page:
        open_notebook(page, url)
        run_all(page)
        wait_until_idle(page)
        image = page.locator(".jp-OutputArea-output img").nth(plot - 1)
        # Plots that are drawn meanwhile move those below them.
        for _ in range(3):
            image.evaluate("image => image.scrollIntoView({block: 'center'})")
            page.wait_for_timeout(1000)
        page.screenshot(path=file)


if __name__ == "__main__":
    take_picture(str(find_browser()), sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
