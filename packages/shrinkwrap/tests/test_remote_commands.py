"""The commands that edit the list of remotes, in a real DVC repository."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shrinkwrap.program import main


def test_a_folder_is_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`data.remote-add` in a subfolder takes the path as a shell would, and `data.remote-list` shows that remote."""
    (tmp_path / ".dvc").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data/datasets.toml").touch()
    monkeypatch.chdir(tmp_path / "data")
    assert main(["data.remote-add", "box", "box", "--default"]) == 0
    capsys.readouterr()
    assert main(["data.remote-list", "--json"]) == 0
    (remote,) = json.loads(capsys.readouterr().out)["remotes"]
    assert (remote["name"], Path(remote["url"]).resolve()) == ("box", tmp_path / "data/box")
