"""A notebook in a real browser: it needs the token, runs, is saved and edited, and cannot change data."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("images")

PROBE = (
    "import os, time\nfrom pathlib import Path\nimport added\n\n_ = Path('note.txt').write_text(f'{added.VALUE}')",
    "parts = sorted(Path(os.environ['SHRINKWRAP_DATA']).rglob('*.parquet'))\n"
    "try:\n    parts[0].open('ab')\nexcept OSError as error:\n    print(len(parts), error.strerror)\n"
    "try:\n    Path(added.__file__).open('ab')\nexcept OSError as error:\n    print(error.strerror)",
)


@pytest.fixture(scope="module")
def url(project: Any) -> Iterator[str]:
    """The URL of traffic-eda, which runs."""
    yield json.loads(project.notebook("up", "traffic-eda", "--json").stdout)["url"]
    project.notebook("down", "traffic-eda")


@pytest.fixture(scope="module")
def page(browser: ModuleType, url: str) -> Iterator[Any]:
    """One page for all tests below, because JupyterLab loads slowly."""
    with browser.opened(browser.find_browser()) as opened:
        yield opened


def test_without_the_token_there_is_a_login_and_no_notebook(page: Any, url: str) -> None:
    """The page requests the token, and the API refuses access."""
    page.goto(url.partition("?")[0])
    page.locator("#password_input").wait_for()
    assert page.locator(".jp-Notebook").count() == 0
    assert page.request.get(re.sub("/lab/.*", "/api/contents", url)).status == 403


def test_all_cells_run_and_the_plots_are_visible(page: Any, url: str, browser: ModuleType, project: Any) -> None:
    """With the token, cells run; results and the saved notebook belong to the user of the host."""
    out = project.root / "notebooks/out/traffic-eda"
    for path in out.rglob("*"):
        if path.is_file():
            path.unlink()
    browser.open_notebook(page, url)
    browser.run_all(page)
    _wait_for(lambda: (out / "sensor-health.csv").exists(), deadline_s=120)
    browser.wait_until_idle(page)
    plot = page.locator(".jp-OutputArea-output img").first
    plot.scroll_into_view_if_needed()
    assert plot.evaluate("image => image.complete && image.naturalWidth") > 300
    browser.save(page)
    saved = project.root / "notebooks/traffic-eda.ipynb"
    _wait_for(lambda: saved.read_text("utf-8").count('"image/png"') >= 4)
    kept = {path.name: path.stat().st_uid for path in [saved, *out.iterdir()]}
    assert set(kept.values()) == {project.uid}, kept


def test_results_can_be_written_but_data_and_code_cannot(
    page: Any, url: str, browser: ModuleType, project: Any
) -> None:
    """Files that another notebook of the folder writes to out/ belong to the user; data and shared code are read-only.

    After a restart of the kernel, the notebook sees an edit of the shared code on the host.
    """
    project.write("notebooks/lib/added.py", "VALUE = 1\n")
    project.write_notebook("probe", *PROBE)
    note = project.root / "notebooks/out/traffic-eda/note.txt"
    browser.open_notebook(page, url.replace("traffic-eda.ipynb", "probe.ipynb"))
    browser.run_all(page)
    _wait_for(lambda: note.exists() and note.read_text() == "1")
    assert (note.stat().st_uid, note.stat().st_gid) == (project.uid, project.gid)
    shown = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea-output pre").first
    shown.wait_for()
    assert re.fullmatch(r"[1-9]\d* Read-only file system\nRead-only file system\s*", shown.inner_text())
    project.write("notebooks/lib/added.py", "VALUE = 2\n")
    browser.restart_and_run_all(page)
    _wait_for(lambda: note.read_text() == "2")


def _wait_for(is_true: Callable[[], bool], *, deadline_s: float = 60) -> None:
    end = time.monotonic() + deadline_s
    while not is_true():
        assert time.monotonic() < end, "the condition was not met in time"
        time.sleep(0.1)
