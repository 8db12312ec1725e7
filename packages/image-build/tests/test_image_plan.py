"""A plan says what would be built and why; a definition says how; both are pure."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from env_spec import ProjectFiles, UnknownImagesError, image_environment, matrix, parse_spec
from image_build.bake import BuildSettings, bake_definition
from image_build.errors import ImageBuildError, NoRegistryError, NoWheelError, StaleLockError
from image_build.plan import ImagePlan, Where, Wishes, plan_images, shown_plan, with_digest, with_parents
from image_build.planning import machine_registry
from image_build.revision import Revision

PYPROJECT = """\
[dependency-groups]
main = ["numpy"]
notebook = ["jupyterlab"]
models = ["scipy"]
[tool.env-spec.images]
eda = {groups = ["main", "notebook"], base = "quay.io/jupyter/base@sha256:%s", registry = "ghcr.io/team"}
models = {groups = ["main", "notebook", "models"], parent = "eda"}
""" % ("0" * 64)
LOCK = """\
[[package]]
name = "numpy"
version = "2.4"
groups = ["main"]
files = [{file = "numpy-2.4-py3-none-any.whl", hash = "sha256:aa"}]
[[package]]
name = "scipy"
version = "1.17"
groups = ["models"]
files = [{file = "scipy-1.17.tar.gz", hash = "sha256:bb"}]
[metadata]
lock-version = "2.1"
python-versions = ">=3.11"
"""
FOLDER = "images/notebook"
COMMIT = Revision(commit="c0ffee" * 6 + "abcd", epoch_s=1767225600, branch="main", source="https://example.org/x")


def plans(
    *names: str,
    lock: str = LOCK.replace("tar.gz", "whl"),
    here: tuple[str, ...] = (),
    is_lock_current: bool = True,
    clone: str = "c",
    **wishes: Any,
) -> tuple[ImagePlan, ...]:
    files = ProjectFiles(
        spec=parse_spec(tomllib.loads(PYPROJECT)),
        lock=tomllib.loads(lock),
        folders={FOLDER: "d"},
        is_lock_current=is_lock_current,
    )

    def find(reference: str) -> Where:
        return "here" if reference.partition(":")[0].rpartition("/")[2] in here else "nowhere"

    return plan_images(
        files, Wishes(names=names, **wishes), COMMIT, project="p", clone=clone, find=find, base_digest=lambda base: None
    )


def test_all_images_are_planned_where_none_is_named() -> None:
    """No name means every image, and what is nowhere is needed."""
    assert [(plan.name, plan.is_needed) for plan in plans()] == [("eda", True), ("models", True)]


def test_what_is_found_is_not_needed() -> None:
    """An image whose fingerprint is here is left as it is."""
    assert [(plan.is_needed, plan.why) for plan in plans("eda", here=("eda",))] == [
        (False, "its fingerprint is here already")
    ]


def test_force_builds_what_is_found() -> None:
    """With --force an image is built although it is here."""
    (plan,) = plans("eda", here=("eda",), is_forced=True)
    assert (plan.is_needed, plan.why) == (True, "because you asked with --force or --no-cache")


def test_two_clones_do_not_take_each_others_image() -> None:
    """What is built and not tested yet has another name in each clone: one engine may serve several at once."""
    (ours,), (theirs,) = plans("eda", clone="1"), plans("eda", clone="2")
    assert ours.candidate != theirs.candidate
    assert (ours.fingerprint, ours.reference, ours.tags) == (theirs.fingerprint, theirs.reference, theirs.tags)


def test_a_parent_is_planned_and_not_asked() -> None:
    """The image whose layers are shared is planned first; it is not tagged, for nobody asked for it."""
    assert [(plan.name, plan.is_asked, plan.is_needed) for plan in plans("models")] == [
        ("eda", False, False),
        ("models", True, True),
    ]


def test_parents_come_first_and_once() -> None:
    """Every image follows its parent, in whatever order they are named."""
    files = ProjectFiles(spec=parse_spec(tomllib.loads(PYPROJECT)), lock={}, folders={})
    assert with_parents(files, ["models", "eda"]) == ("eda", "models")


def test_another_base_is_another_fingerprint() -> None:
    """--base changes the fingerprint, so it never passes for an image on the table's base."""
    assert plans("eda")[0].fingerprint != plans("eda", base="other")[0].fingerprint


def test_an_unknown_image_is_refused() -> None:
    """A name that no table declares is env_spec's error."""
    with pytest.raises(UnknownImagesError):
        plans("edda")


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        (
            {"base": "Foo Bar"},
            "'Foo Bar' is not an image reference, like quay.io/jupyter/scipy-notebook:2026-10-20;"
            " --base or SHRINKWRAP_BASE named it.",
        ),
        (
            {"default_registry": "https://ghcr.io/team/"},
            "'https://ghcr.io/team/' is not a registry, like ghcr.io/organisation: host and organisation in lower-case"
            " letters, without https://; --registry or SHRINKWRAP_REGISTRY named it.",
        ),
        (
            {"platforms": ("linux/amd46",)},
            "there is no platform 'linux/amd46'; did you mean 'linux/amd64'? Platforms: linux/386, linux/amd64,"
            " linux/arm/v6, linux/arm/v7, linux/arm64, linux/ppc64le, linux/riscv64, linux/s390x",
        ),
    ],
    ids=["base", "registry", "platform"],
)
def test_what_the_tables_may_not_say_nobody_may(wishes: dict[str, Any], message: str) -> None:
    """A name from the command line or the environment is checked before an engine is asked for it."""
    with pytest.raises(ImageBuildError) as found:
        plans("eda", **wishes)
    assert (str(found.value), found.value.exit_code) == (message, 2)


def test_an_organisations_capitals_are_lowered(monkeypatch: pytest.MonkeyPatch) -> None:
    """GitHub gives a workflow the name as its owner writes it; no registry takes capitals."""
    monkeypatch.setenv("SHRINKWRAP_REGISTRY", "ghcr.io/Team")
    assert machine_registry() == "ghcr.io/team"


def test_a_build_needs_a_current_lock() -> None:
    """An image of the old lock may be here: that there is nothing to build would be untrue of what is asked."""
    with pytest.raises(StaleLockError, match=r"poetry.lock is older than pyproject.toml"):
        plans("eda", here=("eda",), is_lock_current=False, needs_current_lock=True)
    assert plans("eda", is_lock_current=False)


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        (Wishes(is_pushed=True), "eda, models cannot be pushed: no registry is named"),
        (Wishes(has_registry_cache=True), "eda, models can have no cache in a registry: no registry is named"),
    ],
    ids=["push", "cache"],
)
def test_what_needs_a_registry(wishes: Wishes, message: str) -> None:
    """Images without a registry are named together with the line that is missing."""
    text = PYPROJECT.replace(', registry = "ghcr.io/team"', "")
    files = ProjectFiles(spec=parse_spec(tomllib.loads(text)), lock={}, folders={})
    with pytest.raises(NoRegistryError, match=message):
        plan_images(
            files,
            wishes,
            COMMIT,
            project="p",
            clone="c",
            find=lambda reference: "nowhere",
            base_digest=lambda base: None,
        )


@pytest.mark.parametrize("platforms", [("linux/amd64",), ("linux/amd64", "linux/arm64")])
def test_a_plan_counts_what_env_spec_counts(platforms: tuple[str, ...]) -> None:
    """env.list, the matrix of CI and the plan give an image for several platforms one fingerprint and one name."""
    shown = ", ".join(f'"{platform}"' for platform in platforms)
    text = PYPROJECT.replace('registry = "ghcr.io/team"', f'registry = "ghcr.io/team", platforms = [{shown}]')
    files = ProjectFiles(
        spec=parse_spec(tomllib.loads(text)), lock=tomllib.loads(LOCK.replace("tar.gz", "whl")), folders={FOLDER: "d"}
    )
    (plan,) = plan_images(
        files,
        Wishes(names=("eda",)),
        COMMIT,
        project="p",
        clone="c",
        find=lambda reference: "nowhere",
        base_digest=lambda base: None,
    )
    environment = image_environment(files, "eda")
    assert plan.platforms == platforms
    assert (plan.fingerprint, plan.reference) == (environment.fingerprint, environment.reference)
    assert matrix(files)["include"][0]["fingerprint"] == plan.fingerprint
    target = bake_definition([plan], BuildSettings(epoch_s=0))["target"]
    assert target["eda"]["platforms"] == target["jupyter-poetry-base"]["platforms"] == list(platforms)


def test_a_named_registry_goes_before_the_table_and_a_default_after() -> None:
    """An asked registry replaces the table's; one that a machine names is for tables without."""
    assert plans("eda", registry="r.example/a")[0].repository == "r.example/a/eda"
    assert plans("eda", default_registry="r.example/a")[0].repository == "ghcr.io/team/eda"


def test_a_package_without_a_wheel_is_refused_before_the_build() -> None:
    """A package that is only published as source could not give the same image twice."""
    with pytest.raises(NoWheelError) as caught:
        plans(lock=LOCK)
    assert str(caught.value) == (
        "scipy 1.17, which models needs, has no wheel for linux/amd64 (there is only scipy-1.17.tar.gz)."
        " Lock a version that has one, or take a base with another version of Python."
    )


def test_a_moving_tag_is_told_apart_by_its_digest() -> None:
    """A base by tag counts with the digest the engine knows; one by digest is left alone."""
    assert with_digest("base:1", lambda base: "sha256:1") == "base:1@sha256:1"
    assert with_digest("base:1", lambda base: None) == "base:1"
    assert with_digest("base@sha256:2", lambda base: "sha256:1") == "base@sha256:2"
    assert with_digest(None, lambda base: "sha256:1") is None


def test_the_plan_is_readable() -> None:
    """A person reads what, why, on what, and the tags; `latest` is the last."""
    (plan,) = plans("eda")
    assert shown_plan([plan]) == (
        "eda: build, nothing with its fingerprint is here\n"
        "  groups    main, notebook (1 package)\n"
        f"  base      quay.io/jupyter/base@sha256:{'0' * 64}\n"
        f"  tags      ghcr.io/team/eda: env-{plan.fingerprint}, c0ffeec0ffee, 2026-01-01, latest\n"
    )


def test_a_child_is_built_on_the_parent_that_is_built() -> None:
    """Two images of one definition share a context, so one install serves both."""
    definition = bake_definition(plans(), BuildSettings(epoch_s=0))
    assert sorted(definition["group"]["default"]["targets"]) == ["eda", "models"]
    assert definition["target"]["models"]["contexts"]["parent"] == "target:eda"
    assert "parent" not in definition["target"]["eda"]["contexts"]


def test_a_child_is_built_on_the_parent_that_is_here() -> None:
    """A parent that need not be built is taken as it is, and has no target."""
    found = plans(here=("eda",))
    definition = bake_definition(found, BuildSettings(epoch_s=0))
    assert definition["target"]["models"]["contexts"]["parent"] == f"docker-image://{found[0].reference}"
    assert sorted(definition["target"]) == ["jupyter-poetry-base", "models"]


def test_a_parent_that_nobody_asked_for_is_not_kept() -> None:
    """It is built as a context only: without an output, the engine gets no image of it."""
    definition = bake_definition(plans("models"), BuildSettings(epoch_s=0))
    assert definition["group"]["default"]["targets"] == ["models"]
    assert "output" not in definition["target"]["eda"]


def test_the_target_says_all_that_the_image_is_made_from() -> None:
    """Arguments, labels, platform and output of an image."""
    (plan,) = plans("eda")
    target = bake_definition([plan], BuildSettings(epoch_s=7))["target"]["eda"]
    assert target["args"] == {
        "SOURCE_DATE_EPOCH": "7",
        "BASE_IMAGE": f"quay.io/jupyter/base@sha256:{'0' * 64}",
        "POETRY_INSTALL_GROUP": "main,notebook",
    }
    assert target["labels"]["io.shrinkwrap.groups"] == "main,notebook"
    assert target["platforms"] == ["linux/amd64"]
    assert target["output"] == [f"type=image,name={plan.candidate},compression=zstd,oci-mediatypes=true"]


def test_secrets_are_named_and_not_written() -> None:
    """The definition says where a build finds certificates and index, never what they are."""
    settings = BuildSettings(epoch_s=0, ca_file="/ca.crt", has_index=True)
    definition = bake_definition(plans("eda"), settings)
    for target in definition["target"].values():
        assert target["secret"] == ["id=ca,src=/ca.crt", "id=index,env=SHRINKWRAP_BUILD_INDEX"]


@pytest.mark.parametrize(
    ("cache", "place", "target"),
    [
        ("local", "type=local,src=.shrinkwrap/buildkit/%s", "type=local,dest=.shrinkwrap/buildkit/%s,mode=max"),
        ("registry", "type=registry,ref=ghcr.io/team/%s:cache", "type=registry,ref=ghcr.io/team/%s:cache,mode=max"),
        ("gha", "type=gha,scope=%s", "type=gha,scope=%s,mode=max"),
    ],
)
def test_each_image_has_a_cache_of_its_own(cache: Any, place: str, target: str) -> None:
    """An image writes to its own scope alone: entries of a matrix would overwrite each other's."""
    both = bake_definition(plans(registry="ghcr.io/team"), BuildSettings(epoch_s=0, cache=cache))["target"]
    assert [both[name]["cache-from"] for name in ("eda", "models")] == [[place % "eda"], [place % "models"]]
    assert [both[name]["cache-to"] for name in ("eda", "models")] == [[target % "eda"], [target % "models"]]
    # Here eda is built only because models is built on it.
    one = bake_definition(plans("models", registry="ghcr.io/team"), BuildSettings(epoch_s=0, cache=cache))["target"]
    assert "cache-to" not in one["eda"] and one["models"]["cache-to"] == [target % "models"]


def test_no_cache_is_no_cache() -> None:
    """Where no cache is asked for, the definition names none; --no-cache reaches every target."""
    definition = bake_definition(plans(), BuildSettings(epoch_s=0, is_uncached=True))
    assert all(target["no-cache"] and "cache-from" not in target for target in definition["target"].values())


def test_an_engine_without_image_store_gets_what_it_can_hold() -> None:
    """The older store takes no compression of layers."""
    (plan,) = plans("eda")
    target = bake_definition([plan], BuildSettings(epoch_s=0, has_image_store=False))["target"]["eda"]
    assert target["output"] == [f"type=docker,name={plan.candidate}"]
