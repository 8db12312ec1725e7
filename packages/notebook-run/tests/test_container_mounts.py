"""How the files of the host get into the container of a run, with and without SELinux."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from notebook_run.container import Mount
from notebook_run.engine import ContainerRequest, mount_arguments
from notebook_run.errors import NotebookInputError


def arguments(*mounts: Mount, has_selinux: bool) -> dict[str, Any]:
    request = ContainerRequest(
        image="i:1",
        command=["true"],
        mounts=mounts,
        environment={},
        user="1:1",
        memory_bytes=None,
        has_network=False,
        labels={},
        has_selinux=has_selinux,
    )
    return mount_arguments(request)


def test_without_selinux_files_are_mounts(tmp_path: Path) -> None:
    """The engine refuses a mount whose source does not exist; it would make the folder of a volume."""
    (mount,) = arguments(Mount(source=tmp_path, target="/t"), has_selinux=False)["mounts"]
    assert (mount["Source"], mount["Target"], mount["Type"], mount["ReadOnly"]) == (str(tmp_path), "/t", "bind", True)


def test_with_selinux_files_are_volumes_with_a_label(tmp_path: Path) -> None:
    """Only volumes can have one. A link is mounted from its target, which can be mounted twice."""
    (tmp_path / "link").symlink_to(tmp_path)
    mounts = (
        Mount(source=tmp_path / "link", target="/read"),
        Mount(source=tmp_path, target="/write", is_writable=True),
    )
    assert arguments(*mounts, has_selinux=True)["volumes"] == {
        str(tmp_path): {"bind": "/read", "mode": "ro,z"},
        f"/.{tmp_path}": {"bind": "/write", "mode": "rw,z"},
    }


def test_what_a_volume_cannot_mount(tmp_path: Path) -> None:
    """A volume's source ends at the first colon, and a missing one would become a folder of root."""
    (tmp_path / "a:b").mkdir()
    with pytest.raises(NotebookInputError, match="its path has a colon"):
        arguments(Mount(source=tmp_path / "a:b", target="/t"), has_selinux=True)
    with pytest.raises(NotebookInputError, match="missing"):
        arguments(Mount(source=tmp_path / "missing", target="/t"), has_selinux=True)
