"""A notebook in a container of its image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from env_spec import NotebookSpec
from notebook_run.container import PROJECT, Mount, container_user, environment, mounts
from notebook_run.engine import KIND_LABEL, NOTEBOOK_LABEL, OUT_LABEL, ROOT_LABEL, ContainerRequest, Engine
from notebook_run.errors import NotebookInputError
from notebook_run.place import PlaceName, ProgramExit
from notebook_run.project import missing_file
from notebook_run.run.order import encoded
from notebook_run.run.place import Program
from notebook_run.run.request import RunRequest


@dataclass(frozen=True, kw_only=True)
class ImagePlace:
    """A new container for each run.

    Attributes:
        image: Reference of a local image, by tag or by digest.
        has_selinux: Give mounted files the label that SELinux demands of files in containers.
    """

    engine: Engine
    image: str
    has_selinux: bool = False

    @property
    def name(self) -> PlaceName:
        """Docker."""
        return "docker"

    @property
    def title(self) -> str:
        """The reference of the image."""
        return self.image

    def check(self, request: RunRequest) -> None:
        """Check that the image is local and that everything that is mounted exists."""
        _mounts(request)
        if not self.engine.has(self.image):
            raise NotebookInputError(f"the image {self.image} is not local; `invoke image.build` builds it.")

    def remove_runs(self, out: Path) -> int:
        """Remove the containers of runs that write to a folder."""
        return self.engine.remove_runs(out)

    def run(self, request: RunRequest, program: Program, on_line: Callable[[str], None]) -> ProgramExit:
        """Run a program in a new container, which is removed afterwards."""
        notebook = request.notebook
        order = {**program.order, "path": f"{PROJECT}/{notebook.path}", "out": _inner_out(notebook)}
        container = ContainerRequest(
            image=self.image,
            command=["python", "-P", "-c", program.text, encoded(order)],
            mounts=_mounts(request),
            environment=environment(notebook),
            user=container_user(uid=request.uid, gid=request.gid, is_rootless=self.engine.is_rootless),
            memory_bytes=notebook.memory_bytes,
            has_network=notebook.network,
            labels={
                KIND_LABEL: "run",
                NOTEBOOK_LABEL: notebook.name,
                ROOT_LABEL: str(request.root.resolve()),
                OUT_LABEL: str(request.out_folder.resolve()),
            },
            has_selinux=self.has_selinux,
        )
        return self.engine.run_lines(container, on_line)


def _mounts(request: RunRequest) -> tuple[Mount, ...]:
    notebook = request.notebook
    path = request.root / notebook.path
    if not path.is_file():
        raise missing_file(path, f"the file of {notebook.name}", "Correct its table.")
    return (
        *mounts(request.root, notebook, data=request.data),
        Mount(source=path, target=f"{PROJECT}/{notebook.path}"),
        Mount(source=request.out_folder, target=_inner_out(notebook), is_writable=True),
    )


def _inner_out(notebook: NotebookSpec) -> str:
    return f"{PROJECT}/notebooks/out/{notebook.name}"
