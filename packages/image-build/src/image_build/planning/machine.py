"""Facts about this machine and the repository's state: the commit, certificates, package index, defaults."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from env_spec import LockedPackage, authenticated_url, lock_folders
from image_build.engine.process import output_of
from image_build.planning.revision import Revision, parse_revision

# Registry and organisation for images whose tables name none: a fork can push without editing them.
REGISTRY_VARIABLE: Final = "SHRINKWRAP_REGISTRY"

_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_CA_FILES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
# The inputs of images. Changes to other files do not make an image differ from its commit.
_INPUTS = ("pyproject.toml", "poetry.lock", "tools-requirements.txt", "images", "packages", ".dockerignore")


def machine_registry() -> str | None:
    """The registry that this machine's environment names."""
    # GitHub keeps the capitals of an organisation's name, and a workflow cannot convert them.
    return os.environ.get(REGISTRY_VARIABLE, "").lower() or None


def read_revision(root: Path) -> Revision:
    """The commit that is checked out, and whether images' inputs differ from it."""
    log = output_of(["git", "log", "-1", "--format=%H %ct"], cwd=root) or ""
    branch = output_of(["git", "branch", "--show-current"], cwd=root) or ""
    locks = lock_folders(tomllib.loads((root / "pyproject.toml").read_text("utf-8"))).values()
    inputs = [name for name in (*_INPUTS, *locks) if (root / name).exists()]
    status = output_of(["git", "status", "--porcelain", "--", *inputs], cwd=root) or ""
    remote = output_of(["git", "config", "--get", "remote.origin.url"], cwd=root) or ""
    return parse_revision(log, branch, status, remote, os.environ)


def certificates() -> str | None:
    """The file of certificate authorities that this machine trusts."""
    named = [os.environ[name] for name in _CA_VARIABLES if os.environ.get(name)]
    return next((path for path in (*named, *_CA_FILES) if Path(path).is_file()), None)


def other_indexes(packages: Iterable[LockedPackage]) -> dict[str, str]:
    """The indexes that a slice names besides the default one: the name of each in pyproject.toml, by URL."""
    sources = (package.source for package in packages if package.source and package.source.type == "legacy")
    return {source.url: source.reference or "" for source in sources}


def index_secret(names: Mapping[str, str]) -> str | None:
    """Name and URL of each index that this machine has credentials for, a line for each; None without any.

    The credentials are in Poetry's variables, POETRY_HTTP_BASIC_NAME_USERNAME and …_PASSWORD.

    Args:
        names: By URL, as from `other_indexes`.
    """
    urls = {url: authenticated_url(name, url) for url, name in names.items()}
    return "".join(f"{names[url]} {secret}\n" for url, secret in urls.items() if secret != url) or None


def package_index(root: Path) -> str | None:
    """The package index that this machine configures for uv or pip; None for PyPI."""
    for name in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL"):
        if url := os.environ.get(name):
            return url
    tools = root / ".shrinkwrap/tools/bin/python"
    python = str(tools) if tools.exists() else sys.executable
    return (output_of([python, "-m", "pip", "config", "get", "global.index-url"], cwd=root) or "").strip() or None
