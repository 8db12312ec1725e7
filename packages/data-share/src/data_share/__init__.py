"""What a transfer will move, moving it, checking and mending the remote; around DVC."""

from __future__ import annotations

from data_share.errors import DataShareError
from data_share.remotes import Remote, Remotes, add_remote, load_remotes, use_remote
from data_share.repository import Repository

__all__ = ["DataShareError", "Remote", "Remotes", "Repository", "add_remote", "load_remotes", "use_remote"]
