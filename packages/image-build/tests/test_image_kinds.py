"""What a lock may hold: what cannot be built is refused before the build, with what to do."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from env_spec import EMPTY_DIGEST, ProjectFiles, image_environment, parse_spec
from image_build.building.bake import BuildSettings, bake_definition
from image_build.building.paths import write_paths
from image_build.errors import ImageRequestError
from image_build.planning.image_plan import ImagePlan, PlanningInputs, plan_images
from image_build.planning.request import BuildRequest
from image_build.planning.revision import Revision

DOCKERFILE = "images/notebook"
COMMIT = Revision(commit="c0ffee" * 6 + "abcd", epoch_s=0, branch="main", source="https://example.org/x")
SDIST, WHEEL = "fast-1.0.tar.gz", "fast-1.0-py3-none-any.whl"


def files_of(source: str = "", *, files: tuple[str, ...] = (), image: str = "", digest: str = "d") -> ProjectFiles:
    """A project with one image, which needs one package from this source."""
    listed = ", ".join(f'{{file = "{name}", hash = "sha256:aa"}}' for name in files)
    lock = tomllib.loads(
        f'[[package]]\nname = "fast"\nversion = "1.0"\ngroups = ["main"]\nfiles = [{listed}]\n{source}\n'
        '[metadata]\nlock-version = "2.1"\npython-versions = ">=3.11"\n[extras]\nPlot = []\n'
    )
    table = tomllib.loads(f'groups = ["main"]\n{image}')
    spec = parse_spec({"dependency-groups": {"main": ["fast"]}, "tool": {"env-spec": {"images": {"eda": table}}}})
    path = lock["package"][0].get("source", {}).get("url", "")
    return ProjectFiles(spec=spec, lock=lock, folders={DOCKERFILE: "d", path: digest})


def plan(files: ProjectFiles) -> ImagePlan:
    inputs = PlanningInputs(
        files=files,
        revision=COMMIT,
        project="p",
        repositories=("r",),
        clone="c",
        locate=lambda *_: "nowhere",
        base_digest=lambda base: None,
    )
    return plan_images(BuildRequest(), inputs)[0]


def source(kind: str, url: str, more: str = "") -> str:
    return f'[package.source]\ntype = "{kind}"\nurl = "{url}"\n{more}'


GIT = 'reference = "main"\nresolved_reference = "0123"'


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (files_of(source("directory", "../lib")), r"is in \.\./lib, outside of .* depend on its git repository"),
        (files_of(source("file", "/srv/fast.whl")), r"is in /srv/fast\.whl, outside of "),
        (files_of(source("directory", ".")), r"is in \., outside of "),
        (files_of(source("directory", "libs/fast"), digest=EMPTY_DIGEST), r"is missing or empty\. Restore it, or "),
        (files_of(source("file", "fast.whl"), digest=EMPTY_DIGEST), r"is missing or empty\. Restore it, or "),
        (files_of(source("hg", "https://example.org/fast")), r"comes from hg, .*; use a git repository, a path in"),
        (
            files_of(source("git", "https://example.org/fast")),
            r"the lock names no commit; run `\./run invoke env\.lock`",
        ),
        (files_of(source("git", "git@example.org:x/fast.git", GIT)), r"no keys for SSH .* https:// URL, or "),
        (files_of(source("url", "https://example.org/fast"), files=(WHEEL,)), r"not a wheel, a \.tar\.gz or a \.zip"),
        (
            files_of(files=(SDIST,), image='build = ["fast-x"]'),
            r"fast-x is in `build` of .* no group .* remove",
        ),
        (files_of(files=(WHEEL,), image='extras = ["fast"]'), r"extras of .* has fast, .* \(plot\); correct the name"),
        (files_of(files=(WHEEL,), image='build = ["fast"]'), r"has no source distribution to compile; remove it"),
        (
            files_of(files=(SDIST,)),
            r"no wheel .*, or compile it: build = \[\"fast\"\] in \[tool\.env-spec\.images\.eda\]",
        ),
        (
            files_of(source("file", "fast.whl"), files=("fast-1.0-cp313-cp313-win_amd64.whl",)),
            r"no wheel for linux/amd64",
        ),
        (files_of(source("url", "https://x.example/f.tar.gz"), files=(SDIST,)), r"or compile it: build = \[\"fast\"\]"),
    ],
)
def test_what_cannot_be_built_is_refused(files: ProjectFiles, message: str) -> None:
    """The message names the package, the image, and what to do instead."""
    with pytest.raises(ImageRequestError, match=rf"(?s){message}"):
        plan(files)


@pytest.mark.parametrize(
    "files",
    [
        files_of(source("directory", "libs/fast")),
        files_of(source("file", "wheels/fast.whl"), files=(WHEEL,)),
        files_of(source("file", "fast.tar.gz"), files=(SDIST,)),
        files_of(source("git", "https://example.org/fast", GIT)),
        files_of(source("url", "https://example.org/" + WHEEL), files=(WHEEL,)),
        files_of(files=(SDIST,), image='build = ["Fast"]'),
    ],
)
def test_what_can_be_built_is_planned(files: ProjectFiles) -> None:
    assert plan(files).needs_build


def test_the_build_gets_extras_packages_to_compile_and_other_folders() -> None:
    """A package in packages/ is in the context of each build already."""
    image = 'extras = ["Plot"]\nbuild = ["fast"]'
    target = bake_definition([plan(files_of(files=(SDIST,), image=image))], BuildSettings(epoch_s=0))["target"]["eda"]
    assert target["args"]["POETRY_INSTALL_EXTRAS"] == "plot"
    assert target["args"]["BUILD_PACKAGES"] == "fast"
    assert "paths" not in target["contexts"]
    for path, expected in (("libs/fast", ".shrinkwrap/paths/eda"), ("packages/fast", None)):
        made = bake_definition([plan(files_of(source("directory", path)))], BuildSettings(epoch_s=0))
        assert made["target"]["eda"]["contexts"].get("paths") == expected


def test_the_context_of_other_folders_has_only_what_counts(tmp_path: Path) -> None:
    """No secret, no cache, no other folder, and nothing of an earlier build."""
    stale = ".shrinkwrap/paths/eda/old/x.py"
    kept = "libs/fast/src/fast/__init__.py"
    for name in (kept, stale, "libs/fast/.env", "libs/fast/.git/config", "libs/fast/tests/t.py", "libs/other/x.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    write_paths(tmp_path, [plan(files_of(source("directory", "libs/fast")))])
    context = tmp_path / ".shrinkwrap/paths/eda"
    assert [str(path.relative_to(context)) for path in context.rglob("*") if path.is_file()] == [kept]


def test_a_package_that_is_compiled_is_another_image() -> None:
    """`build` counts in the fingerprint, and an image without it has the fingerprint that it had before."""
    environments = [image_environment(files_of(files=(SDIST,), image=more), "eda") for more in ("", 'build = ["fast"]')]
    assert environments[0].fingerprint != environments[1].fingerprint
