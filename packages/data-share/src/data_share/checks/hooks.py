"""A pre-push hook that refuses to push a commit before its data."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from data_share.errors import DataShareError
from data_share.repository.git import hooks_folder, is_shared_folder
from data_share.repository.repository import Repository

HOOK_LINE = "./run invoke data.check --pre-push"
# Hooks of this and of earlier versions start with it.
_SIGNATURE = "#!/bin/sh\n# Installed by `invoke data.install-hooks`: "
_HOOK = f"""\
{_SIGNATURE}a commit is not pushed before its data are on the remote.
# `git push --no-verify` skips it.
exec {HOOK_LINE}
"""


@dataclass(frozen=True, kw_only=True)
class InstalledHook:
    """The pre-push hook of a repository.

    Attributes:
        is_new: Whether it was installed now.
    """

    path: Path
    is_new: bool


def install_hooks(root: Path) -> InstalledHook:
    """Install the pre-push hook.

    Raises:
        DataShareError: The repository has another pre-push hook, or its hooks are shared with other repositories.
    """
    repository = Repository(root)
    folder = hooks_folder(repository)
    if is_shared_folder(repository, folder):
        raise DataShareError(
            f"git's core.hooksPath is {folder}, which other repositories may share, so nothing was written.\n"
            f"  Add to its pre-push hook: {HOOK_LINE}"
        )
    path = folder / "pre-push"
    if _is_installed(path):
        return InstalledHook(path=path, is_new=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_HOOK, encoding="utf-8")
        path.chmod(0o755)
    except OSError as error:
        raise DataShareError(f"{path} cannot be written: {error.strerror}") from error
    return InstalledHook(path=path, is_new=True)


def pushed_commits(lines: Iterable[str]) -> list[str]:
    """The commits that a push uploads, from what git writes to a pre-push hook; a deleted branch has none."""
    commits = [words[1] for line in lines if len(words := line.split()) == 4]
    return [commit for commit in dict.fromkeys(commits) if commit.strip("0")]


def _is_installed(path: Path) -> bool:
    """Whether the hook is up to date; False if it is missing or an earlier version of ours.

    Raises:
        DataShareError: It is another hook.
    """
    if not path.is_symlink() and not path.exists():
        return False
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    if text.startswith(_SIGNATURE):
        return text == _HOOK and bool(path.stat().st_mode & stat.S_IXUSR)
    if HOOK_LINE in text:
        return True
    raise DataShareError(
        f"{path} already exists and was not changed.\n"
        f"  Add this line to it, before its end (git writes the pushed commits to its standard input):\n  {HOOK_LINE}"
    )
