"""Notebooks without Docker, in environments of this machine, in Jupyter (a real browser) and without it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import psutil
import pytest

WRITES = (
    "import os\nfrom pathlib import Path\n"
    "parts = sorted(Path(os.environ['SHRINKWRAP_DATA']).rglob('*.parquet'))\n"
    "for change in (lambda: parts[0].open('ab'), parts[0].unlink, lambda: Path(parts[0].parent, 'x').write_text('')):\n"
    "    try:\n        change()\n    except OSError as error:\n        print(len(parts), error.strerror)\n"
    "_ = Path('note.txt').write_text('kept')"
)

SCRIPT = """\
import experiment

# %% tags=["parameters"]
limit = 30

# %% Load
slow = experiment.load("pems-detector", where=[("speed", "<", limit)])
print(*slow)
experiment.metric("slow", len(slow))

# %% Undeclared
experiment.load("pems-detector", ["flow"])
"""


@pytest.fixture
def is_down(local_project: Any) -> Iterator[None]:
    """No notebook runs before the test, and none after it."""
    local_project.notebook("down", "all")
    yield
    local_project.notebook("down", "all")


@pytest.fixture(scope="module")
def url(local_project: Any) -> Iterator[str]:
    """The URL of traffic-eda, which runs."""
    yield json.loads(local_project.notebook("up", "traffic-eda", "--local", "--json").stdout)["url"]
    local_project.notebook("down", "traffic-eda")


@pytest.fixture(scope="module")
def page(browser: ModuleType, url: str) -> Iterator[Any]:
    """One page for the tests in a browser."""
    with browser.opened(browser.find_browser()) as opened:
        yield opened


def test_without_the_token_there_is_a_login_and_no_notebook(page: Any, url: str) -> None:
    """The page requests the token, and the API refuses access; the port is bound to 127.0.0.1 only."""
    page.goto(url.partition("?")[0])
    page.locator("#password_input").wait_for()
    assert page.locator(".jp-Notebook").count() == 0
    assert page.request.get(re.sub("/lab/.*", "/api/contents", url)).status == 403
    port = int(re.findall(r":(\d+)/", url)[0])
    bound = {c.laddr.ip for c in psutil.net_connections("tcp") if c.status == "LISTEN" and c.laddr.port == port}
    assert bound == {"127.0.0.1"}


def test_all_cells_run_and_the_plots_are_visible(page: Any, url: str, browser: ModuleType, local_project: Any) -> None:
    """With the token, cells run, plots are drawn, and the notebook is saved."""
    out = local_project.root / "notebooks/out/traffic-eda"
    browser.open_notebook(page, url)
    browser.run_all(page)
    _wait_for(lambda: (out / "sensor-health.csv").exists(), deadline_s=120)
    browser.wait_until_idle(page)
    plot = page.locator(".jp-OutputArea-output img").first
    plot.scroll_into_view_if_needed()
    assert plot.evaluate("image => image.complete && image.naturalWidth") > 300
    browser.save(page)
    saved = local_project.root / "notebooks/traffic-eda.ipynb"
    _wait_for(lambda: saved.read_text("utf-8").count('"image/png"') >= 4)


def test_data_cannot_be_written_in_jupyter(page: Any, url: str, browser: ModuleType, local_project: Any) -> None:
    """Landlock protects data from their owner; a relative path is a result of the notebook that was started."""
    local_project.write_notebook("probe", WRITES)
    note = local_project.root / "notebooks/out/traffic-eda/note.txt"
    browser.open_notebook(page, url.replace("traffic-eda.ipynb", "probe.ipynb"))
    browser.run_all(page)
    _wait_for(lambda: note.exists() and note.read_text() == "kept")
    shown = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea-output pre").first
    shown.wait_for()
    assert re.fullmatch(r"([1-9]\d* Permission denied\s*){3}", shown.inner_text())


def test_data_cannot_be_written_in_a_run(local_project: Any) -> None:
    """The same holds for a run without a browser, whose relative paths are results too."""
    local_project.write_notebook("probe", WRITES, datasets=["pems-detector"])
    local_project.notebook("run", "probe", "--local")
    out = local_project.root / "notebooks/out/probe"
    executed = json.loads((out / "probe.ipynb").read_text("utf-8"))
    assert len(re.findall("Permission denied", json.dumps(executed["cells"][0]["outputs"]))) == 3
    assert (out / "note.txt").read_text() == "kept"


def test_one_environment_for_the_notebooks_of_an_image(local_project: Any) -> None:
    """It has exactly the locked groups, and neither another notebook nor an edit of its table makes another one."""
    local_project.write_notebook("first", "import sys\nprint(sys.prefix)")
    local_project.notebook("run", "first", "--local")
    before = set((local_project.root / ".shrinkwrap/envs").iterdir())
    local_project.write_notebook("second", "import importlib.metadata as m\nprint(len(list(m.distributions())))")
    result = local_project.notebook("run", "second", "--local")
    assert "making the local environment" not in result.stderr
    assert set((local_project.root / ".shrinkwrap/envs").iterdir()) == before
    # Other tests may have made environments of other locks.
    text = (local_project.root / "notebooks/out/first/first.ipynb").read_text("utf-8")
    (folder,) = (folder for folder in before if str(folder) in text)
    locked = re.findall(r"^[\w.-]+==", (folder / "slice").read_text("utf-8"), re.MULTILINE)
    counted = json.loads((local_project.root / "notebooks/out/second/second.ipynb").read_text("utf-8"))
    installed = int("".join(counted["cells"][0]["outputs"][0]["text"]))
    assert 50 < installed <= len(locked)


def test_a_second_start_finds_the_first(local_project: Any, is_down: None) -> None:
    """Status, logs and list show a local notebook, and `down` ends all its processes."""
    first = json.loads(local_project.notebook("up", "climate-eda", "--local", "--json").stdout)
    again = json.loads(local_project.notebook("up", "climate-eda", "--local", "--json").stdout)
    assert (first["place"], again["was_running"], again["url"]) == ("local", True, first["url"])
    (row,) = json.loads(local_project.notebook("status", "--json").stdout)
    assert (row["notebook"], row["place"], row["health"], row["url"]) == (
        "climate-eda",
        "local",
        "healthy",
        first["url"],
    )
    listed = {row["name"]: row for row in json.loads(local_project.notebook("list", "--json").stdout)}
    assert listed["climate-eda"]["url"] == first["url"]
    assert "Jupyter Server" in local_project.notebook("logs", "climate-eda").stdout
    record = local_project.root / "build/notebooks/climate-eda/local.json"
    assert record.stat().st_mode & 0o777 == 0o600
    pid = json.loads(record.read_text("utf-8"))["pid"]
    assert local_project.notebook("down", "climate-eda").stdout == "climate-eda is down\n"
    assert not psutil.pid_exists(pid)
    assert local_project.notebook("status").stdout == "no notebook is running\n"


def test_without_docker_the_error_offers_the_local_place(local_project: Any) -> None:
    """The default of the project or of the user makes the flag unnecessary."""
    for command in ("run", "up"):
        result = local_project.notebook(command, "traffic-eda", check=False)
        assert result.returncode == 1
        assert "no Docker Engine answers" in result.stderr and "add --local" in result.stderr
    local_project.write_notebook("short", "x = 1")
    local_project.notebook("run", "short", SHRINKWRAP_NOTEBOOKS="local")
    wrong = local_project.notebook("run", "short", check=False, SHRINKWRAP_NOTEBOOKS="cloud")
    assert wrong.returncode == 2 and "must be docker or local, not 'cloud'" in wrong.stderr
    both = local_project.notebook("run", "short", "--local", "--docker", check=False)
    assert both.returncode == 2 and "exclude each other" in both.stderr
    path = local_project.root / "pyproject.toml"
    text = path.read_text("utf-8")
    try:
        local_project.write("pyproject.toml", f'{text}\n[tool.env-spec.notebook]\ndefault = "local"\n')
        local_project.notebook("run", "short")
        local_project.write("pyproject.toml", f'{text}\n[tool.env-spec.notebook]\ndefault = "podman"\n')
        result = local_project.notebook("run", "short", check=False)
        assert "tool.env-spec.notebook.default: must be docker or local, not 'podman'" in result.stderr
    finally:
        local_project.write("pyproject.toml", text)


def test_too_much_memory_ends_the_cell(local_project: Any) -> None:
    """The limit of the table is that of all processes of the notebook."""
    local_project.write_notebook(
        "large", "x = 1", "y = bytearray(b'x') * 700_000_000\nimport time; time.sleep(60)", memory="400MB"
    )
    result = local_project.notebook("run", "large", "--local", check=False)
    assert result.returncode == 1
    assert "used more memory than its limit of 400 MB" in result.stderr, result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_run_leaves_no_process(local_project: Any, number: signal.Signals) -> None:
    """Neither the program nor its kernel outlives the command, however that ends."""
    flag = local_project.root / "notebooks/out/endless/pid"
    flag.unlink(missing_ok=True)
    source = "import os, time\nfrom pathlib import Path\n_ = Path('pid').write_text(str(os.getpid()))\ntime.sleep(600)"
    local_project.write_notebook("endless", source)
    command = local_project.command(*local_project.notebook_command("run", "endless", "--local"))
    with subprocess.Popen(
        command,
        cwd=local_project.root,
        env=local_project.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        _wait_for(lambda: flag.exists() and flag.read_text() != "")
        kernel = int(flag.read_text())
        os.kill(process.pid, number)
        _, stderr = process.communicate()
    _wait_for(lambda: not psutil.pid_exists(kernel), deadline_s=20)
    if number != signal.SIGKILL:
        assert process.returncode == 130 and "interrupted" in stderr


def test_a_script_with_declared_columns(local_project: Any) -> None:
    """Its blocks are cells; `load` reads the declared columns alone, and the error names the table to extend."""
    local_project.write_notebook(
        "slow",
        path="analysis/slow.py",
        datasets=[{"name": "pems-detector", "columns": ["station", "speed"]}],
        parameters={"limit": 30},
    )
    local_project.write("analysis/slow.py", SCRIPT)
    result = local_project.notebook("run", "slow", "--local", "-p", "limit=1000", check=False)
    assert result.returncode == 1
    assert "column 'flow' of dataset 'pems-detector' is not declared for this notebook" in result.stderr
    assert "[tool.env-spec.notebooks.slow]" in result.stderr
    out = local_project.root / "notebooks/out/slow@limit=1000"
    cells = {cell["id"]: cell for cell in json.loads((out / "slow.ipynb").read_text("utf-8"))["cells"]}
    assert list(cells) == ["start", "cell-2", "injected-parameters", "load", "undeclared"]
    assert "".join(cells["load"]["outputs"][0]["text"]) == "station speed\n"
    assert json.loads((out / "metrics.json").read_text("utf-8"))["slow"] > 0
    listed = json.loads(local_project.notebook("list", "--json").stdout)
    (reads,) = next(row["reads"] for row in listed if row["name"] == "slow")
    assert (reads["declared"], reads["columns"]) == (2, 12) and 0 < reads["read_bytes"] < reads["size_bytes"]


def _wait_for(is_true: Callable[[], bool], *, deadline_s: float = 60) -> None:
    end = time.monotonic() + deadline_s
    while not is_true():
        assert time.monotonic() < end, "the condition was not met in time"
        time.sleep(0.1)


@pytest.mark.parametrize("own", ["wheel", "mount"])
def test_the_projects_own_package_is_imported_from_its_folder(local_project: Any, own: str) -> None:
    """An edit is seen by the next run, in the same environment."""
    pyproject = (local_project.root / "pyproject.toml").read_text("utf-8")
    table = "\n[tool.env-spec.images.jupyter-notebook]\n"
    changed = pyproject.replace(table, f'{table}own = "{own}"\n').replace("package-mode = false\n", "")
    local_project.write("pyproject.toml", changed)
    local_project.write_notebook("trial", "import ours\nprint(ours.ANSWER)")
    try:
        for answer in (42, 43):
            local_project.write("src/ours/__init__.py", f"ANSWER = {answer}\n")
            run = local_project.notebook("run", "trial", "--local", "--force")
            assert "making the local environment" not in run.stderr or answer == 42
            executed = local_project.root / "notebooks/out/trial/trial.ipynb"
            assert f'"{answer}\\n"' in executed.read_text("utf-8")
    finally:
        local_project.write("pyproject.toml", pyproject)
        shutil.rmtree(local_project.root / "src")
