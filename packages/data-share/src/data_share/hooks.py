"""A pre-push hook that keeps a commit from being shared before its data are."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from pathlib import Path

from data_share.errors import HookError
from data_share.repository import HOOK_LINE, Repository

_HOOK = f"""\
#!/bin/sh
# Installed by `invoke data.install-hooks`: no commit is pushed whose data the remote lacks.
# `git push --no-verify` skips it.
exec {HOOK_LINE}
"""


def install_hook(repository: Repository) -> tuple[Path, bool]:
    """Install the pre-push hook.

    Returns:
        Its path, and whether it is new.

    Raises:
        HookError: There is another hook already, or hooks are shared with other repositories.
    """
    path = repository.hooks_folder() / "pre-push"
    if path.is_symlink() or path.exists():
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        if text == _HOOK and path.stat().st_mode & stat.S_IXUSR:
            return path, False
        if HOOK_LINE in text and text != _HOOK:
            return path, False
        if text != _HOOK:
            raise HookError(
                f"{path} is there already and was left as it is.\n"
                f"  Add this line to it, before its end (it reads what git says on standard input):\n  {HOOK_LINE}"
            )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_HOOK, encoding="utf-8")
        path.chmod(0o755)
    except OSError as error:
        raise HookError(f"{path} cannot be written: {error.strerror}") from error
    return path, True


def pushed_commits(lines: Iterable[str]) -> list[str]:
    """The commits that a push sends, from what git writes to a pre-push hook; a deleted branch sends none."""
    commits = [words[1] for line in lines if len(words := line.split()) == 4]
    return [commit for commit in dict.fromkeys(commits) if commit.strip("0")]
