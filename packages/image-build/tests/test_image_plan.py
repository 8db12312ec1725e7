"""A plan has the images to build and the reasons; a definition has the build's settings. Making them has no effects."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import Any

import pytest

from env_spec import ProjectFiles, UnknownNameError, image_environment, matrix, parse_spec, report, with_base
from image_build.building.bake import BuildSettings, bake_definition
from image_build.errors import ImageBuildError, ImageRequestError, NoWheelError, StaleLockError
from image_build.planning.image_plan import (
    ImagePlan,
    Location,
    PlanningInputs,
    has_moved,
    plan_images,
    plan_text,
    with_digest,
    with_parents,
)
from image_build.planning.machine import machine_registry
from image_build.planning.request import BuildRequest
from image_build.planning.revision import Revision

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


def inputs(files: ProjectFiles, *, local: tuple[str, ...] = (), clone: str = "c") -> PlanningInputs:
    """What a plan depends on, with these images in the engine."""

    def locate(reference: str, base: str | None) -> Location:
        return "local" if reference.partition(":")[0].rpartition("/")[2] in local else "nowhere"

    return PlanningInputs(
        files=files,
        revision=COMMIT,
        project="p",
        repositories=("r",),
        clone=clone,
        locate=locate,
        base_digest=lambda base: None,
    )


def plans(
    *names: str,
    lock: str = LOCK.replace(".tar.gz", "-py3-none-any.whl"),
    local: tuple[str, ...] = (),
    is_lock_current: bool = True,
    clone: str = "c",
    **request: Any,
) -> tuple[ImagePlan, ...]:
    files = ProjectFiles(
        spec=parse_spec(tomllib.loads(PYPROJECT)),
        lock=tomllib.loads(lock),
        folders={FOLDER: "d"},
        is_lock_current=is_lock_current,
    )
    return plan_images(BuildRequest(images=names, **request), inputs(files, local=local, clone=clone))


def project_of(pyproject: str) -> ProjectFiles:
    """The project with this pyproject.toml, whose packages all have wheels."""
    lock = tomllib.loads(LOCK.replace(".tar.gz", "-py3-none-any.whl"))
    return ProjectFiles(spec=parse_spec(tomllib.loads(pyproject)), lock=lock, folders={FOLDER: "d"})


def test_all_images_are_planned_if_none_is_named() -> None:
    """Without names every image is planned, and built if it does not exist."""
    assert [(plan.name, plan.needs_build) for plan in plans()] == [("eda", True), ("models", True)]


def test_an_image_that_exists_is_not_built() -> None:
    """An image whose fingerprint is local is kept."""
    assert [(plan.needs_build, plan.why) for plan in plans("eda", local=("eda",))] == [
        (False, "its fingerprint is already local")
    ]


def test_force_builds_an_image_that_exists() -> None:
    """With --force, an image is built although it is local."""
    (plan,) = plans("eda", local=("eda",), is_forced=True)
    assert (plan.needs_build, plan.why) == (True, "because of --force or --no-cache")


def test_two_clones_do_not_use_each_others_candidate() -> None:
    """An image that is not tested yet has another name in each clone, because several can use one engine."""
    (ours,), (theirs,) = plans("eda", clone="1"), plans("eda", clone="2")
    assert ours.candidate != theirs.candidate
    assert (ours.fingerprint, ours.reference, ours.tags) == (theirs.fingerprint, theirs.reference, theirs.tags)


def test_a_parent_is_planned_and_not_requested() -> None:
    """The image whose layers are shared is planned first; it is not tagged, because it was not requested."""
    assert [(plan.name, plan.is_requested, plan.needs_build) for plan in plans("models")] == [
        ("eda", False, False),
        ("models", True, True),
    ]


def test_parents_come_first_and_once() -> None:
    """Every image follows its parent, in any order of the names."""
    files = ProjectFiles(spec=parse_spec(tomllib.loads(PYPROJECT)), lock={}, folders={})
    assert with_parents(files, ["models", "eda"]) == ("eda", "models")


def test_another_base_is_another_fingerprint() -> None:
    """--base changes the fingerprint, so the image is never mistaken for one on the table's base."""
    assert plans("eda")[0].fingerprint != plans("eda", base="other")[0].fingerprint


def test_a_base_counts_as_it_is_written() -> None:
    """--base has the fingerprint of a table with that base, whatever image its tag is: env.list has no engine."""
    files = project_of(PYPROJECT)
    for digest in (None, "sha256:1", "sha256:2"):
        with_digest_ = replace(inputs(files), base_digest=lambda base, digest=digest: digest)
        (plan,) = plan_images(BuildRequest(images=("eda",), base="other:1"), with_digest_)
        assert plan.fingerprint == image_environment(with_base(files, "other:1"), "eda").fingerprint


def test_a_base_that_moved_is_built_again() -> None:
    """The local image of a machine's base is built again if the tag is another image now; so is one that it extends."""
    moved = replace(inputs(project_of(PYPROJECT)), locate=lambda reference, base: "moved" if base else "local")
    eda, models = plan_images(BuildRequest(images=("models",), base="other:1"), moved)
    assert (models.needs_build, models.why) == (True, "the tag of its base is another image now")
    definition = bake_definition([eda, models], BuildSettings(epoch_s=0))
    assert definition["target"]["models"]["contexts"]["parent"] == "target:eda"
    # The bases of tables are pinned.
    assert [plan.needs_build for plan in plan_images(BuildRequest(images=("models",)), moved)] == [False, False]


@pytest.mark.parametrize(
    ("built_on", "now", "expected"),
    [("sha256:1", "b:1@sha256:1", False), ("sha256:1", "b:1@sha256:2", True), ("sha256:1", "b:1", False)],
)
def test_when_a_base_has_moved(built_on: str, now: str, expected: bool) -> None:
    """An image's label has the digest of its base. A digest that the engine does not know proves nothing."""
    assert has_moved(now, {"org.opencontainers.image.base.digest": built_on}) is expected
    assert has_moved(now, {}) is False


def test_a_plan_says_why_layers_are_not_shared() -> None:
    """An image without a parent that has groups of another one names the reason."""
    text = PYPROJECT.replace('parent = "eda"', 'base = "debian:12"')
    files = project_of(text)
    reason = f"eda is on another base, quay.io/jupyter/base@sha256:{'0' * 64}"
    (plan,) = plan_images(BuildRequest(images=("models",)), inputs(files))
    assert f"\n  layers    shared with no image: {reason}\n" in plan_text([plan])
    environment = image_environment(files, "models")
    assert f"\nshares no layers with other images: {reason}" in report.environment_text(environment)
    assert report.environment_json(environment)["unshared"] == plan.facts()["unshared"] == (reason,)


def test_an_unknown_image_is_an_error() -> None:
    """A name that is not declared is env_spec's error."""
    with pytest.raises(UnknownNameError):
        plans("edda")


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (
            {"base": "Foo Bar"},
            "'Foo Bar' is not an image reference, like quay.io/jupyter/scipy-notebook:2026-10-20;"
            " it comes from --base or SHRINKWRAP_BASE.",
        ),
        (
            {"default_registry": "https://ghcr.io/team/"},
            "'https://ghcr.io/team/' is not a registry, like ghcr.io/organisation: host and organisation in lower-case"
            " letters, without https://; it comes from --registry or SHRINKWRAP_REGISTRY.",
        ),
        (
            {"platforms": ("linux/amd46",)},
            "unknown platform 'linux/amd46'; did you mean 'linux/amd64'? Known platforms: linux/386, linux/amd64,"
            " linux/arm/v6, linux/arm/v7, linux/arm64, linux/ppc64le, linux/riscv64, linux/s390x",
        ),
        ({"cache": "lokal"}, "unknown cache 'lokal'; did you mean 'local'? Known caches: gha, local, none, registry"),
    ],
    ids=["base", "registry", "platform", "cache"],
)
def test_options_are_checked_like_the_tables(request_: dict[str, Any], message: str) -> None:
    """Names from the command line or the environment are checked before the engine is used."""
    with pytest.raises(ImageBuildError) as found:
        plans("eda", **request_)
    assert (str(found.value), found.value.exit_code) == (message, 2)


def test_an_organisations_capitals_become_lower_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """GitHub keeps the capitals in a name, but no registry accepts them."""
    monkeypatch.setenv("SHRINKWRAP_REGISTRY", "ghcr.io/Team")
    assert machine_registry() == "ghcr.io/team"


def test_a_build_needs_a_current_lock() -> None:
    """An image of the old lock can be local, but does not have the packages that are declared now."""
    with pytest.raises(StaleLockError, match=r"poetry.lock is older than pyproject.toml"):
        plans("eda", local=("eda",), is_lock_current=False, needs_current_lock=True)
    assert plans("eda", is_lock_current=False)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (BuildRequest(is_pushed=True), "eda, models cannot be pushed: no registry is named"),
        (BuildRequest(cache="registry"), "eda, models cannot have a cache in a registry: no registry is named"),
    ],
    ids=["push", "cache"],
)
def test_requests_that_need_a_registry(build: BuildRequest, message: str) -> None:
    """The error lists all images without a registry, and the line to add."""
    text = PYPROJECT.replace(', registry = "ghcr.io/team"', "")
    files = ProjectFiles(spec=parse_spec(tomllib.loads(text)), lock={}, folders={})
    with pytest.raises(ImageRequestError, match=message):
        plan_images(build, inputs(files))


def test_groups_that_no_image_contains() -> None:
    """Groups select the images that contain all of them; groups of no image are an error."""
    assert [plan.name for plan in plans(groups=("models",)) if plan.is_requested] == ["models"]
    with pytest.raises(ImageRequestError, match="no image contains all the groups other"):
        files = parse_spec(tomllib.loads(PYPROJECT.replace("[tool", 'other = ["six"]\n[tool', 1)))
        plan_images(BuildRequest(groups=("other",)), inputs(ProjectFiles(spec=files, lock={}, folders={})))


@pytest.mark.parametrize("platforms", [("linux/amd64",), ("linux/amd64", "linux/arm64")])
def test_a_plan_has_env_specs_fingerprint(platforms: tuple[str, ...]) -> None:
    """env.list, the matrix for CI and the plan agree on fingerprint and name, also for several platforms."""
    listed = ", ".join(f'"{platform}"' for platform in platforms)
    text = PYPROJECT.replace('registry = "ghcr.io/team"', f'registry = "ghcr.io/team", platforms = [{listed}]')
    files = ProjectFiles(
        spec=parse_spec(tomllib.loads(text)),
        lock=tomllib.loads(LOCK.replace(".tar.gz", "-py3-none-any.whl")),
        folders={FOLDER: "d"},
    )
    (plan,) = plan_images(BuildRequest(images=("eda",)), inputs(files))
    environment = image_environment(files, "eda")
    assert plan.platforms == platforms
    assert (plan.fingerprint, plan.reference) == (environment.fingerprint, environment.reference)
    assert matrix(files)["include"][0]["fingerprint"] == plan.fingerprint
    target = bake_definition([plan], BuildSettings(epoch_s=0))["target"]
    assert target["eda"]["platforms"] == target["jupyter-poetry-base"]["platforms"] == list(platforms)


def test_the_priority_of_registries() -> None:
    """A requested registry overrides the table's; the machine's is for tables without one."""
    assert plans("eda", registry="r.example/a")[0].repository == "r.example/a/eda"
    assert plans("eda", default_registry="r.example/a")[0].repository == "ghcr.io/team/eda"


def test_a_package_without_a_wheel_is_an_error_before_the_build() -> None:
    """A package that is only published as source might not build the same image twice."""
    with pytest.raises(NoWheelError) as caught:
        plans(lock=LOCK)
    assert str(caught.value) == (
        "scipy 1.17, which models needs, has no wheel for linux/amd64 (only scipy-1.17.tar.gz)."
        " Lock a version that has one, or use a base with another version of Python, or compile it:"
        ' build = ["scipy"] in [tool.env-spec.images.models].'
    )


def test_a_tag_is_identified_by_its_digest() -> None:
    """A base with a tag gets the digest that the engine knows; one with a digest is not changed."""
    assert with_digest("base:1", lambda base: "sha256:1") == "base:1@sha256:1"
    assert with_digest("base:1", lambda base: None) == "base:1"
    assert with_digest("base@sha256:2", lambda base: "sha256:1") == "base@sha256:2"
    assert with_digest(None, lambda base: "sha256:1") is None


def test_the_text_of_a_plan() -> None:
    """It has the action, its reason, the base, and the tags with `latest` at the end."""
    (plan,) = plans("eda")
    assert plan_text([plan]) == (
        "eda: build, no image with its fingerprint is local\n"
        "  groups    main, notebook (1 package)\n"
        f"  base      quay.io/jupyter/base@sha256:{'0' * 64}\n"
        f"  tags      ghcr.io/team/eda: env-{plan.fingerprint}, c0ffeec0ffee, 2026-01-01, latest"
    )


def test_a_plan_names_what_the_project_depends_on_and_an_image_lacks() -> None:
    """Nothing of `[project] dependencies` is left out without a word; what another group declares is not missing."""
    spec = parse_spec(
        tomllib.loads(
            """
            project.dependencies = ["numpy", "Scipy>=1", "rich"]
            dependency-groups = { models = ["scipy"] }
            tool.env-spec.images = { models = { groups = ["models"] }, all = { groups = ["main", "models"] } }
            """
        )
    )
    files = ProjectFiles(
        spec=spec, lock=tomllib.loads(LOCK.replace(".tar.gz", "-py3-none-any.whl")), folders={FOLDER: "d"}
    )
    models, everything = plan_images(BuildRequest(), inputs(files))
    assert (models.without, everything.without) == (("numpy", "rich"), ())
    hint = 'numpy, rich, which the project depends on: add "main" to its groups if it needs them'
    assert f"  without   {hint}\n" in plan_text([models])
    assert "without" not in plan_text([everything])
    assert models.facts()["without"] == ("numpy", "rich")
    assert report.bases_text([image_environment(files, name) for name in spec.images]).endswith(
        f"\nmodels is without {hint}"
    )


def test_a_child_is_built_on_the_parent_that_is_built() -> None:
    """Two images of one definition share a context, so their packages are installed once."""
    definition = bake_definition(plans(), BuildSettings(epoch_s=0))
    assert sorted(definition["group"]["default"]["targets"]) == ["eda", "models"]
    assert definition["target"]["models"]["contexts"]["parent"] == "target:eda"
    assert "parent" not in definition["target"]["eda"]["contexts"]


def test_a_child_is_built_on_the_local_parent() -> None:
    """A parent that exists is used, and has no target."""
    found = plans(local=("eda",))
    definition = bake_definition(found, BuildSettings(epoch_s=0))
    assert definition["target"]["models"]["contexts"]["parent"] == f"docker-image://{found[0].reference}"
    assert sorted(definition["target"]) == ["jupyter-poetry-base", "models"]


def test_a_parent_that_was_not_requested_is_not_kept() -> None:
    """It is built only as a context: without an output, the engine gets no image."""
    definition = bake_definition(plans("models"), BuildSettings(epoch_s=0))
    assert definition["group"]["default"]["targets"] == ["models"]
    assert "output" not in definition["target"]["eda"]


def test_the_target_has_all_inputs_of_the_image() -> None:
    """A target has the arguments, labels, platforms and output of its image."""
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


def test_secrets_are_not_in_the_definition() -> None:
    """The definition says where a build finds certificates and the index, but does not contain them."""
    settings = BuildSettings(epoch_s=0, ca_file="/ca.crt", index="https://index.example/simple")
    definition = bake_definition(plans("eda"), settings)
    for target in definition["target"].values():
        assert target["secret"] == ["id=ca,src=/ca.crt", "id=index,env=SHRINKWRAP_BUILD_INDEX"]
    assert "index.example" not in f"{definition}{settings}"


@pytest.mark.parametrize(
    ("cache", "place", "target"),
    [
        ("local", "type=local,src=.shrinkwrap/buildkit/%s", "type=local,dest=.shrinkwrap/buildkit/%s,mode=max"),
        ("registry", "type=registry,ref=ghcr.io/team/%s:cache", "type=registry,ref=ghcr.io/team/%s:cache,mode=max"),
        ("gha", "type=gha,scope=%s", "type=gha,scope=%s,mode=max"),
    ],
)
def test_each_image_has_its_own_cache(cache: Any, place: str, target: str) -> None:
    """An image writes only to its own scope, because entries of a matrix would overwrite a shared one."""
    both = bake_definition(plans(registry="ghcr.io/team"), BuildSettings(epoch_s=0, cache=cache))["target"]
    assert [both[name]["cache-from"] for name in ("eda", "models")] == [[place % "eda"], [place % "models"]]
    assert [both[name]["cache-to"] for name in ("eda", "models")] == [[target % "eda"], [target % "models"]]
    # In this case, eda is built only because models is built on it.
    one = bake_definition(plans("models", registry="ghcr.io/team"), BuildSettings(epoch_s=0, cache=cache))["target"]
    assert "cache-to" not in one["eda"] and one["models"]["cache-to"] == [target % "models"]


def test_no_cache() -> None:
    """Without a requested cache the definition has none; --no-cache applies to every target."""
    definition = bake_definition(plans(), BuildSettings(epoch_s=0, is_uncached=True))
    assert all(target["no-cache"] and "cache-from" not in target for target in definition["target"].values())


def test_an_engine_without_containerds_store() -> None:
    """The older image store does not accept compressed layers."""
    (plan,) = plans("eda")
    target = bake_definition([plan], BuildSettings(epoch_s=0, has_image_store=False))["target"]["eda"]
    assert target["output"] == [f"type=docker,name={plan.candidate}"]


@pytest.mark.parametrize(
    ("of_eda", "of_models", "installed"),
    [
        ("", "", (None, None)),
        (', system = ["libgl1"]', "", ("libgl1", None)),
        (', system = ["libgl1"]', ', system = ["libgl1", "libgomp1"]', ("libgl1", "libgl1 libgomp1")),
    ],
    ids=["none", "the same as the parent", "more than the parent"],
)
def test_debian_packages_of_a_child(of_eda: str, of_models: str, installed: tuple[str | None, ...]) -> None:
    """A child installs all of its packages, unless its parent has the same ones; without any, nothing is passed."""
    text = PYPROJECT.replace('"ghcr.io/team"', f'"ghcr.io/team"{of_eda}').replace(
        'parent = "eda"', f'parent = "eda"{of_models}'
    )
    found = plan_images(BuildRequest(), inputs(project_of(text)))
    target = bake_definition(found, BuildSettings(epoch_s=0))["target"]
    assert tuple(target[name]["args"].get("SYSTEM_PACKAGES") for name in ("eda", "models")) == installed
