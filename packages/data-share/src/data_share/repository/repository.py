"""The working tree of a repository whose data DVC tracks."""

from __future__ import annotations

from pathlib import Path

from data_share.errors import DataShareError

WORKING_TREE = "the working tree"


class Repository:
    """A working tree with data that DVC tracks.

    Args:
        root: The folder that contains `.dvc`.

    Raises:
        DataShareError: The folder does not contain `.dvc`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        if not self.dvc_folder.is_dir():
            raise DataShareError(f"{self.root} is not the root of a DVC repository: it has no folder .dvc")

    @property
    def dvc_folder(self) -> Path:
        """The folder of DVC's configuration."""
        return self.root / ".dvc"

    @property
    def own_folder(self) -> Path:
        """Where this package keeps what no commit should have; DVC makes git ignore it."""
        return self.dvc_folder / "tmp" / "share"
