"""data.compress with nothing to do: DVC is not started, and is started again after any change that it would see."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from data_convert import convert_dataset, load_specs
from shrinkwrap import compression
from shrinkwrap.program import main
from shrinkwrap.stages import StageOutcome

_LOCK: Final = """\
schema: '2.0'
stages:
  compress@mine:
    cmd: convert
    deps:
    - {path: ../code.py, md5: d41d8cd98f00b204e9800998ecf8427e}
    - {path: raw/mine, md5: d41d8cd98f00b204e9800998ecf8427e.dir}
    params:
      datasets.toml: {datasets.mine: {}}
    outs:
    - {path: parquet/mine, md5: d41d8cd98f00b204e9800998ecf8427e.dir}
    - {path: reports/mine.json, md5: d41d8cd98f00b204e9800998ecf8427e}
"""
_TABLE: Final = """\
[datasets.mine]
source = "raw/mine"
output = "parquet/mine"
columns = [{ name = "n", type = "int8" }]
"""


class Stages:
    """Stands in for DVC: converts in this process, and records the stage."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.calls: list[list[str]] = []
        self.during: Callable[[], object] = lambda: None

    def __call__(self, root: Path, datasets: list[str], **_: object) -> StageOutcome:
        self.calls.append(list(datasets))
        data = root / "data"
        convert_dataset(load_specs(data / "datasets.toml")["mine"], data_folder=data)
        (data / "reports").mkdir(exist_ok=True)
        (data / "reports/mine.json").write_text("{}")
        if not (data / "dvc.lock").exists():
            (data / "dvc.lock").write_text(_LOCK)
        self.during()
        return StageOutcome(exit_code=0)


@pytest.fixture
def stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stages:
    """A project with one dataset of two raw files, which is converted already."""
    raw = tmp_path / "data/raw/mine"
    raw.mkdir(parents=True)
    (raw / "a.csv").write_text("n\n1\n")
    (raw / "b.csv").write_text("n\n2\n")
    (tmp_path / "code.py").write_text("1")
    (tmp_path / "data/datasets.toml").write_text(_TABLE)
    (tmp_path / "data/dvc.yaml").write_text("stages: {}\n")
    monkeypatch.chdir(tmp_path)
    fake = Stages(tmp_path)
    monkeypatch.setattr(compression, "run_stages", fake)
    assert main(["data.compress"]) == 0
    assert fake.calls == [["mine"]]
    return fake


def test_a_second_run_starts_nothing_and_shows_the_same(stages: Stages, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither DVC nor the footers of the parts are needed."""
    assert main(["data.report"]) == 0
    measured = capsys.readouterr().out
    assert main(["data.compress"]) == 0
    assert (capsys.readouterr().out, stages.calls) == (measured, [["mine"]])


_DATA: Final = Path("data")
CHANGES: Final[dict[str, Callable[[], object]]] = {
    "a raw file of the same size": lambda: (_DATA / "raw/mine/a.csv").write_text("n\n3\n"),
    "a new raw file": lambda: (_DATA / "raw/mine/c.csv").write_text("n\n3\n"),
    "a removed raw file": lambda: (_DATA / "raw/mine/b.csv").unlink(),
    "a renamed raw file": lambda: (_DATA / "raw/mine/b.csv").rename(_DATA / "raw/mine/c.csv"),
    "a removed part": lambda: (_DATA / "parquet/mine/a.parquet").unlink(),
    "a changed part": lambda: (_DATA / "parquet/mine/a.parquet").write_bytes(b"PAR1"),
    "a foreign file among the parts": lambda: (_DATA / "parquet/mine/notes.txt").write_text("x"),
    "a removed report": lambda: (_DATA / "reports/mine.json").unlink(),
    "the description": lambda: (_DATA / "datasets.toml").write_text(_TABLE.replace("int8", "int16")),
    "the stages": lambda: (_DATA / "dvc.yaml").write_text("stages: {other: {}}\n"),
    "the record": lambda: (_DATA / "dvc.lock").write_text(_LOCK.replace("convert", "convert again")),
    "the code": lambda: Path("code.py").write_text("2"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_starts_dvc(stages: Stages, change: str) -> None:
    """Whatever DVC compares is compared, by size and times."""
    CHANGES[change]()
    assert main(["data.compress"]) == 0
    assert stages.calls == [["mine"], ["mine"]]


def test_force_starts_dvc(stages: Stages) -> None:
    """With --force, finished parts are converted again."""
    assert main(["data.compress", "--force"]) == 0
    assert len(stages.calls) == 2


def test_a_change_during_the_conversion_is_not_forgotten(stages: Stages) -> None:
    """A raw file that was added while the stage ran may not be in the parts."""
    stages.during = lambda: (_DATA / "raw/mine/c.csv").write_text("n\n3\n")
    assert main(["data.compress", "--force"]) == 0
    stages.during = lambda: None
    assert main(["data.compress"]) == 0
    assert len(stages.calls) == 3


def test_a_failed_stage_is_not_remembered(stages: Stages, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failure, the next run starts DVC again."""
    CHANGES["a new raw file"]()
    monkeypatch.setattr(compression, "run_stages", lambda *_, **__: StageOutcome(exit_code=1))
    assert main(["data.compress"]) == 1
    monkeypatch.setattr(compression, "run_stages", stages)
    assert main(["data.compress"]) == 0
    assert stages.calls == [["mine"], ["mine"]]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"state": {}, "report": {}}'])
def test_a_damaged_memory_starts_dvc(stages: Stages, text: str) -> None:
    """What was remembered may be lost or damaged at any time."""
    next(Path(".dvc/tmp/shrinkwrap").iterdir()).write_text(text)
    assert main(["data.compress"]) == 0
    assert len(stages.calls) == 2


def test_nothing_to_do_loads_neither_dvc_nor_pyarrow(stages: Stages) -> None:
    """Their imports take longer than all that is left to do."""
    program = (
        "import sys; from shrinkwrap.program import main; code = main(['data.compress']);"
        " sys.exit(code or ', '.join({'dvc', 'numpy', 'pyarrow'} & set(sys.modules)) or None)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
