"""The compose file of one notebook: images/compose.yaml with its values."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from env_spec import NotebookSpec
from notebook_run.compose import project_name, rendered
from notebook_run.errors import TemplateError
from notebook_run.needs import Mount

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


def render(template: str, *data: Mount, root: str = "/r", memory: int | None = None) -> str:
    notebook = NotebookSpec(name="eda", path="notebooks/sub/eda.ipynb", image="i", memory_bytes=memory)
    return rendered(template, notebook, root=Path(root), image="i:env-1", user="7:8", port=9, data=data)


def test_the_volume_for_data_is_repeated() -> None:
    """One copy per dataset or part, where the template has it; what stands around it stays."""
    text = render(SMALL, Mount(source=Path("/a"), target="/t/a"), Mount(source=Path("/b"), target="/t/b"))
    assert text.partition("      # not")[2] == (
        ' ${DATA_SOURCE}\n      - type: bind\n        source: "/r/x"\n'
        '      - type: bind\n        source: "/a"\n        target: "/t/a"\n'
        '      - type: bind\n        source: "/b"\n        target: "/t/b"\n'
        '    user: "7:8"\n    ports: ["127.0.0.1:9:8888", "${OTHER}"]\n'
    )


def test_a_notebook_without_data_has_no_such_volume() -> None:
    """The template's own is left out."""
    assert "${DATA_SOURCE}" not in render(SMALL).partition("not ${DATA_SOURCE}")[2]


def test_a_folder_may_have_any_name() -> None:
    """Quotes and backslashes are YAML's, and a dollar is not compose's."""
    assert 'source: "/my \\"$$HOME\\" \\\\ é/x"' in render(SMALL, root='/my "$HOME" \\ é')


@pytest.mark.parametrize(("memory", "line"), [(None, 'mem_limit: "0"'), (4 * 10**9, 'mem_limit: "4000000000"')])
def test_the_memory_limit_is_the_tables(memory: int | None, line: str) -> None:
    """In bytes; 0 is none."""
    assert line in render(SMALL, memory=memory)


def test_two_clones_do_not_meet() -> None:
    """The project's name comes from the notebook's and from where the clone is."""
    assert project_name(Path("/one"), "eda") != project_name(Path("/two"), "eda")
    assert project_name(Path("/one"), "eda").startswith("notebook-eda-")


def test_a_template_without_a_volume_for_data_is_refused() -> None:
    """A notebook would start without its data."""
    with pytest.raises(TemplateError, match="exactly one volume"):
        render("services: {}\n")


def test_the_shipped_template_keeps_to_this_machine_and_makes_nothing() -> None:
    """One port, of 127.0.0.1; no path of the host's is made by Docker; all but notebooks and results are read-only."""
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


def test_every_variable_of_the_shipped_template_is_ours() -> None:
    """What compose would ask the environment for would be empty there."""
    text = render(TEMPLATE.read_text("utf-8"), Mount(source=Path("/a"), target="/project/data/a"))
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    assert not [line for line in lines if "${" in line]
    assert '      - "--LabApp.default_url=/lab/tree/sub/eda.ipynb"' in lines
