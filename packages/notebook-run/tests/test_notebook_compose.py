"""The compose file of a notebook is images/compose.yaml with the notebook's values."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from env_spec import NotebookDataset, NotebookSpec
from notebook_run.container import Mount
from notebook_run.errors import NotebookInputError
from notebook_run.session.compose_file import ComposeSettings, compose_text, project_name

TEMPLATE = Path(__file__).resolve().parents[3] / "images/compose.yaml"
SMALL = """\
name: "${PROJECT}"
services:
  notebook:
    image: "${IMAGE}"
    mem_limit: "${MEMORY}"
    volumes:
      # not ${DATA_SOURCE}
      - type: bind
        source: "${ROOT}/x"
      - type: bind
        source: "${DATA_SOURCE}"
        target: "${DATA_TARGET}"
    user: "${USER}"
    ports: ["127.0.0.1:${PORT}:8888", "${OTHER}"]
"""


def render(template: str, *data: Mount, root: str = "/r", memory: int | None = None, has_selinux: bool = False) -> str:
    notebook = NotebookSpec(name="eda", path="notebooks/sub/eda.ipynb", image="i", memory_bytes=memory)
    settings = ComposeSettings(root=Path(root), image="i:env-1", user="7:8", port=9, data=data, has_selinux=has_selinux)
    return compose_text(template, notebook, settings)


def test_the_volume_for_data_is_repeated() -> None:
    """There is one copy per dataset or part; the text before and after it stays the same."""
    text = render(SMALL, Mount(source=Path("/a"), target="/t/a"), Mount(source=Path("/b"), target="/t/b"))
    assert text.partition("      # not")[2] == (
        ' ${DATA_SOURCE}\n      - type: bind\n        source: "/r/x"\n'
        '      - type: bind\n        source: "/a"\n        target: "/t/a"\n'
        '      - type: bind\n        source: "/b"\n        target: "/t/b"\n'
        '    user: "7:8"\n    ports: ["127.0.0.1:9:8888", "${OTHER}"]\n'
    )


def test_a_notebook_without_data_has_no_volume_for_data() -> None:
    """The template's volume is left out."""
    assert "${DATA_SOURCE}" not in render(SMALL).partition("not ${DATA_SOURCE}")[2]


def test_a_folder_may_have_any_name() -> None:
    """Quotes and backslashes are escaped for YAML, dollars for compose."""
    assert 'source: "/my \\"$$HOME\\" \\\\ é/x"' in render(SMALL, root='/my "$HOME" \\ é')


@pytest.mark.parametrize(("memory", "line"), [(None, 'mem_limit: "0"'), (4 * 10**9, 'mem_limit: "4000000000"')])
def test_the_memory_limit_is_that_of_the_table(memory: int | None, line: str) -> None:
    """It is in bytes; 0 is no limit."""
    assert line in render(SMALL, memory=memory)


def test_the_kernel_gets_the_declared_columns() -> None:
    """A name may have quotes and dollars: YAML and compose leave it unchanged."""
    dataset = NotebookDataset(name="cars", columns=('"n"', "$x"))
    notebook = NotebookSpec(name="eda", path="notebooks/eda.ipynb", image="i", datasets=(dataset,))
    settings = ComposeSettings(root=Path("/r"), image="i", user="1:1", port=9, data=())
    text = compose_text(TEMPLATE.read_text("utf-8"), notebook, settings)
    (value,) = re.findall(r"^      SHRINKWRAP_COLUMNS: (.+)$", text, flags=re.MULTILINE)
    assert json.loads(json.loads(value).replace("$$", "$")) == {"cars": ['"n"', "$x"]}


def test_two_clones_have_different_compose_projects() -> None:
    """The project's name depends on the notebook's name and on the path of the clone."""
    assert project_name(Path("/one"), "eda") != project_name(Path("/two"), "eda")
    assert project_name(Path("/one"), "eda").startswith("notebook-eda-")


def test_a_template_without_a_volume_for_data_is_refused() -> None:
    """With it, a notebook would start without its data."""
    with pytest.raises(NotebookInputError, match="exactly one volume"):
        render("services: {}\n")


def test_the_shipped_template_exposes_one_local_port_and_makes_no_folder() -> None:
    """Docker makes no path on the host; everything but the notebooks and their results is read-only."""
    text = render(TEMPLATE.read_text("utf-8"), Mount(source=Path("/a"), target="/project/data/a"))
    assert re.findall(r"^ +- \"?(\S+:8888)\"?$", text, flags=re.MULTILINE) == ["127.0.0.1:9:8888"]
    _, *binds = re.split(r"^      - type: bind\n", text, flags=re.MULTILINE)
    assert [bind for bind in binds if "bind: { create_host_path: false }" not in bind] == []
    targets = {
        match[1]: "read_only: true" in bind for bind in binds if (match := re.search(r'target: "?([^"\n]+)', bind))
    }
    assert [target for target, is_read_only in targets.items() if not is_read_only] == [
        "/project/notebooks",
        "/project/notebooks/out/eda",
    ]
    assert targets["/project/data/a"] and targets["/project/notebooks/lib"]


def test_every_variable_of_the_shipped_template_gets_a_value() -> None:
    """Compose would replace any other variable by an empty text."""
    text = render(TEMPLATE.read_text("utf-8"), Mount(source=Path("/a"), target="/project/data/a"))
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    assert not [line for line in lines if "${" in line]
    assert '      - "--LabApp.default_url=/lab/tree/sub/eda.ipynb"' in lines


def test_selinux_labels_every_volume() -> None:
    """With `selinux = true`, each file and folder of the host gets the label that containers share."""
    data = (Mount(source=Path("/a"), target="/t/a"), Mount(source=Path("/b"), target="/t/b"))
    text = render(TEMPLATE.read_text("utf-8"), *data, has_selinux=True)
    assert text.count("type: bind") == text.count("bind: { create_host_path: true, selinux: z }") == 8
    assert "bind: { create_host_path: false }" in render(TEMPLATE.read_text("utf-8"), *data)


def test_selinux_needs_a_template_with_labels() -> None:
    """A template of a team without the variable would start a notebook that cannot read its files."""
    with pytest.raises(NotebookInputError, match="has 2 volumes of type bind, and 0 with options"):
        render(SMALL, has_selinux=True)
