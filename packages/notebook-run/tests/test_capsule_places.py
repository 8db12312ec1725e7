"""The places of recorded runs: which environment a checkout uses, and the paths in its outputs."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from env_spec import NotebookSpec
from notebook_run.capsule import places
from notebook_run.capsule.places import RunPlaceSearch, container_text
from notebook_run.local.environment import LocalEnvironment
from notebook_run.local.process import KERNEL_SETTINGS, PAGE_SETTINGS
from notebook_run.run.in_environment import LocalPlace
from notebook_run.run.request import RunRequest


def environment(folder: Path) -> LocalEnvironment:
    return LocalEnvironment(
        image="jupyter", fingerprint="0" * 16, folder=folder, python="3.13.1", platform="linux-x86_64"
    )


@pytest.mark.parametrize(("own_package", "is_shared"), [(None, True), ("packages/model", False)])
def test_an_environment_with_a_package_of_the_repository_belongs_to_its_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_package: str | None, *, is_shared: bool
) -> None:
    """Such a package is installed editable, and the checkout is removed after the run."""
    stores = []

    def made(project: Path, image: str, *, store: Path, on_line: Any) -> LocalEnvironment:
        stores.append(store)
        return environment(store)

    packages = [SimpleNamespace(path=None), SimpleNamespace(path=own_package)]
    monkeypatch.setattr(places, "read_project", lambda folder: folder)
    monkeypatch.setattr(places, "image_environment", lambda files, image: SimpleNamespace(packages=packages))
    monkeypatch.setattr(places, "local_environment", made)
    checkout = tmp_path / ".shrinkwrap/checkouts/eda"
    search = RunPlaceSearch(root=tmp_path, checkout=checkout, engine=None, on_line=print)
    found = search.current("jupyter")
    assert found.environment and (found.environment.name, found.environment.fingerprint) == ("jupyter", "0" * 16)
    assert stores == [tmp_path if is_shared else checkout]


def test_paths_of_this_machine_become_those_of_a_container(tmp_path: Path) -> None:
    """The results, the project, and the temporary folder; what is in base64 or any other text stays."""
    root = tmp_path / 'mine "and" yours'
    for settings in (KERNEL_SETTINGS, PAGE_SETTINGS):
        (root / settings).parent.mkdir(parents=True, exist_ok=True)
        (root / settings).touch()
    notebook = NotebookSpec(name="eda", path="notebooks/eda.ipynb", image="jupyter", datasets=())
    out = tmp_path / "project/notebooks/out/eda/reproduction"
    place = LocalPlace(environment=environment(tmp_path / "env"))
    request = RunRequest(root=root, place=place, notebook=notebook, out=out)
    home = root / "build/notebooks/eda/home"
    printed = f"{out}/a.csv {root}/data {home}/tmp/x /project2 {tmp_path}"
    text = container_text(json.dumps({"text": printed}, ensure_ascii=False), request)
    assert json.loads(text)["text"] == (f"/project/notebooks/out/eda/a.csv /project/data /tmp/x /project2 {tmp_path}")
