"""Each package of a slice comes from the index that the lock names for it."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import pytest

from env_make import authenticated_url
from env_make.slice_sources import main, slice_parts

LOCK = """\
[[package]]
name = "idna"
version = "3.20"

[[package]]
name = "Own.Tool"
version = "1.0"
[package.source]
type = "legacy"
url = "https://own.example/simple"
reference = "own"

[[package]]
name = "torch"
version = "2.9+cpu"
[package.source]
type = "legacy"
url = "https://torch.example/cpu"
reference = "torch-cpu"

[[package]]
name = "torch"
version = "2.9"

[[package]]
name = "fork"
version = "1.0"
[package.source]
type = "git"
url = "https://git.example/fork.git"
reference = "main"
"""
IDNA = 'idna==3.20 ; python_version >= "3.11" \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n'
OWN = "own-tool[extra]==1.0 \\\n    --hash=sha256:cc\n"
TORCH_CPU = 'torch==2.9+cpu ; sys_platform == "linux" \\\n    --hash=sha256:dd\n'
TORCH = 'torch==2.9 ; sys_platform != "linux" \\\n    --hash=sha256:ee\n'
FORK = "fork @ git+https://git.example/fork.git@0123\n"


def test_each_part_has_the_packages_of_one_index() -> None:
    """With their hashes; of two versions of one package, each is in the part of its source."""
    parts = slice_parts(IDNA + FORK + OWN + TORCH_CPU + TORCH, tomllib.loads(LOCK))
    assert [(part.name, part.url, part.requirements) for part in parts] == [
        ("", "", IDNA + FORK + TORCH),
        ("own", "https://own.example/simple", OWN),
        ("torch-cpu", "https://torch.example/cpu", TORCH_CPU),
    ]


def test_the_program_writes_the_parts(tmp_path: Path) -> None:
    """The default index has a file even if nothing comes from it, for an installation that expects it."""
    (tmp_path / "exported").write_text(OWN)
    (tmp_path / "lock").write_text(LOCK)
    main(str(tmp_path / "exported"), str(tmp_path / "lock"), str(tmp_path / "slice"))
    written = {
        str(path.relative_to(tmp_path / "slice")): path.read_text()
        for path in (tmp_path / "slice").rglob("*")
        if path.is_file()
    }
    assert written == {"locked": "", "sources/own/locked": OWN, "sources/own/url": "https://own.example/simple"}


@pytest.mark.parametrize(("words", "userinfo"), [((), ""), (("token",), "token@"), (("a", "b/c@d"), "a:b%2Fc%40d@")])
def test_credentials_of_an_index(words: tuple[str, ...], userinfo: str) -> None:
    """They are those of Poetry's variables; special characters are quoted."""
    names = ("POETRY_HTTP_BASIC_MY_OWN_USERNAME", "POETRY_HTTP_BASIC_MY_OWN_PASSWORD")
    environment = dict(zip(names, words, strict=False))
    url = authenticated_url("my-own", "https://own.example:8443/simple", environment)
    assert url == f"https://{userinfo}own.example:8443/simple"


def test_packages_of_the_repository_and_from_git(tmp_path: Path) -> None:
    """Both styles of path packages and an archive have a line with their path and marker; hashes are checked."""
    archive = tmp_path / "a b.whl"
    archive.write_bytes(b"wheel")
    digest = hashlib.sha256(b"wheel").hexdigest()
    exported = tmp_path / "exported"
    text = f"{IDNA}-e file:///src/libs/ed\nplain[x] @ file:///src/libs/plain ; os_name == 'nt'\n{FORK}"
    exported.write_text(f"{text}wheel @ {archive.as_uri()} \\\n    --hash=sha256:{digest}\n")
    lock = tmp_path / "poetry.lock"
    lock.write_text(LOCK)
    target = tmp_path / "target"
    target.mkdir()
    main(str(exported), str(lock), str(target))
    assert {path.name: path.read_text() for path in target.iterdir()} == {
        "locked": IDNA,
        "git": FORK,
        "paths": f"/src/libs/ed\t\n/src/libs/plain\tos_name == 'nt'\n{archive}\t\n",
    }
    archive.write_bytes(b"another")
    with pytest.raises(SystemExit, match=r"is another file than the one in poetry\.lock; run `\./run"):
        main(str(exported), str(lock), str(target))
