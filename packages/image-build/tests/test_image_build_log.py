"""BuildKit's output is shown step by step, and a failure becomes the most specific error."""

from __future__ import annotations

from pathlib import Path

import pytest

from image_build.building.build_log import BuildLog
from image_build.building.failure import build_failure
from image_build.engine.command import builder_platforms
from image_build.errors import (
    DiskFullError,
    ImageBuildError,
    ImageRequestError,
    NoWheelError,
    PlatformError,
    RegistryError,
    StaleLockError,
    UnknownReferenceError,
)
from image_build.registry.references import image_name, registry_failure, registry_of

STEP = '#7 [eda builder 2/2] RUN --mount=type=secret,id=ca     sh /install.sh "main"'


def log_of(*lines: str) -> tuple[BuildLog, list[str]]:
    log = BuildLog()
    return log, [shown for line in lines if (shown := log.add(f"{line}\n"))]


def failure_of(*lines: str) -> ImageBuildError:
    return failure(log_of(*lines)[0])


def failure(log: BuildLog) -> ImageBuildError:
    return build_failure(log, log_file=Path("build.log"), images=["eda"], platforms=["linux/amd64"])


def test_a_step_is_shown_when_it_runs_and_when_it_ends() -> None:
    """Its options are omitted, and its output is only in the log."""
    _, shown = log_of(STEP, "#7 0.1 hello", "#7 0.2 again", "#7 DONE 26.9s")
    assert shown == [
        '  …  [eda builder 2/2] RUN sh /install.sh "main"',
        '  ok [eda builder 2/2] RUN sh /install.sh "main": 26.9 s',
    ]


def test_a_cached_step_is_one_line_for_all_images() -> None:
    """Bake repeats a shared step for each image; it is shown once."""
    _, shown = log_of("#7 [a] COPY x y", "#7 CACHED", "#9 [a] COPY x y", "#9 CACHED")
    assert shown == ["  =  [a] COPY x y: cached"]


def test_the_failed_step_is_named_with_its_last_lines() -> None:
    """The error has the step, its last lines, and the file of the complete log."""
    error = failure_of(
        STEP, *(f"#7 0.{n} line {n}" for n in range(20)), "#7 ERROR: process did not complete: exit code: 1"
    )
    assert type(error) is ImageBuildError
    assert str(error).splitlines() == [
        'the build failed at [eda builder 2/2] RUN sh /install.sh "main":',
        *(f"  line {n}" for n in range(8, 20)),
        "Complete log: build.log",
    ]


@pytest.mark.parametrize("what", ["Cache export", "OCI exporter", "Multi-platform build"])
def test_features_that_an_older_store_does_not_support(what: str) -> None:
    """The default store of older engines exports no cache and no archive; buildx reports that outside of any step."""
    error = failure_of(f"ERROR: {what} is not supported for the docker driver.")
    assert type(error) is ImageRequestError and f"does not support this ({what})" in str(error)


def test_a_cancelled_step_is_not_the_failure() -> None:
    """A step that was cancelled because another one failed is not reported."""
    error = failure_of("#6 [a] RUN one", "#6 ERROR: CANCELED", "#7 [b] RUN two", "#7 ERROR: exit code: 1")
    assert str(error).startswith("the build failed at [b] RUN two:")


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("#7 1.0 cp: No space left on device", DiskFullError),
        ("#7 1.0 pyproject.toml changed significantly since poetry.lock was last generated.", StaleLockError),
        ("#7 1.0 Because foo{os_name == 'nt'}==1.0 has no usable wheels and you require foo", NoWheelError),
        ("#7 1.0 error: Building `foo==1.0` is disabled", NoWheelError),
    ],
)
def test_known_failures_have_their_own_errors(line: str, kind: type[Exception]) -> None:
    """A full disk, a stale lock and a missing wheel are recognised in the output."""
    assert type(failure_of(STEP, line, "#7 ERROR: exit code: 1")) is kind


@pytest.mark.parametrize(
    ("problem", "kind", "message"),
    [
        (
            "failed to do request: Head: dial tcp: lookup quay.io: no such host",
            RegistryError,
            "the registry quay.io cannot be reached",
        ),
        (
            "pull access denied, repository does not exist or may require authorization",
            RegistryError,
            "the registry quay.io refused",
        ),
        ("quay.io/x/y:1: not found", UnknownReferenceError, "the image quay.io/x/y:1 does not exist"),
    ],
)
def test_a_base_that_is_not_available(problem: str, kind: type[Exception], message: str) -> None:
    """The registry of the base is unreachable, denies access, or does not have the tag."""
    step = "#3 [eda internal] load metadata for quay.io/x/y:1"
    error = failure_of(step, f"#3 ERROR: {problem}")
    assert type(error) is kind and str(error).startswith(message)


@pytest.mark.parametrize(("base", "advice"), [("x/y:1", "correct the base"), ("x/y:1@sha256:0a", "image.pin --update")])
def test_a_missing_base_is_reported_with_its_fix(base: str, advice: str) -> None:
    """A digest can be resolved again; a tag must be corrected."""
    failed = failure_of(f"#3 [eda internal] load metadata for {base}", f"#3 ERROR: {base}: not found")
    assert str(failed).startswith(f"the image {base} does not exist; ")
    assert advice in str(failed)


@pytest.mark.parametrize(
    ("reference", "registry"),
    [
        ("quay.io/jupyter/x:1", "quay.io"),
        ("127.0.0.1:5000/x", "127.0.0.1:5000"),
        ("localhost/x", "localhost"),
        ("jupyter/x", "docker.io"),
        ("x:1", "docker.io"),
    ],
)
def test_the_registry_of_a_reference(reference: str, registry: str) -> None:
    """As in Docker, the first part is a host if it looks like one."""
    assert registry_of(reference) == registry


@pytest.mark.parametrize(
    "reference", ["eda", "eda:latest", "r.example:5000/team/eda:env-0", "eda@sha256:0", "r.example/eda:1@sha256:0"]
)
def test_a_reference_has_the_images_name(reference: str) -> None:
    """Registry, tag and digest are not part of the name."""
    assert image_name(reference) == "eda"


def test_other_messages_are_not_registry_failures() -> None:
    """A message about something else than access or the network has no registry error."""
    assert registry_failure("x", "a proverb") is None


def test_a_missing_cache_is_not_a_failure() -> None:
    """The first build finds no cache to import; a later failure is the one reported."""
    log, shown = log_of(
        "#5 [eda] importing cache manifest from r.example/eda:cache",
        "#5 ERROR: failed to configure registry cache importer: r.example/eda:cache: not found",
        STEP,
        "#7 ERROR: exit code: 1",
    )
    assert shown[0] == "  –  [eda] importing cache manifest from r.example/eda:cache: not found"
    assert str(failure(log)).startswith("the build failed at [eda builder 2/2]")


def test_the_platforms_of_a_builder() -> None:
    """Each platform once, without variants of amd64; none for a builder that is not started."""
    inspected = "Name: x\nPlatforms:        linux/amd64*, linux/amd64/v2, linux/arm64, linux/arm/v7\n"
    assert builder_platforms(inspected) == ("linux/amd64", "linux/arm64", "linux/arm/v7")
    assert builder_platforms("Name: x\nStatus: inactive\n") == ()


def test_a_program_for_another_platform() -> None:
    """The kernel's message becomes an error that says how to install QEMU."""
    error = failure_of(STEP, "#7 0.1 exec /bin/sh: exec format error", "#7 ERROR: exit code: 1")
    assert isinstance(error, PlatformError)
    assert str(error).startswith("this machine's builder cannot run linux/amd64. Build on a machine of that kind")
    assert "--install amd64`" in str(error)


@pytest.mark.parametrize(
    ("url", "names", "problem"),
    [
        (
            "https://own.example/simple",
            {"https://own.example/simple": "my-own"},
            "the package index my-own (https://own.example/simple) answers 401 Unauthorized; set"
            " POETRY_HTTP_BASIC_MY_OWN_USERNAME and POETRY_HTTP_BASIC_MY_OWN_PASSWORD, which Poetry reads, too.",
        ),
        (
            "https://user:****@mirror.example/simple",
            {},
            "the package index of this machine (https://mirror.example/simple) answers 401 Unauthorized; name it with"
            " user and password, as UV_DEFAULT_INDEX or in the configuration of pip.",
        ),
    ],
)
def test_an_index_that_denies_access_is_named(url: str, names: dict[str, str], problem: str) -> None:
    """By its name in pyproject.toml if it has one, and without the password that it refused."""
    hint = f"hint: An index URL ({url}) could not be queried due to a lack of valid authentication credentials (401"
    log = BuildLog()
    for line in ("#7 [eda builder 2/2] RUN sh", f"#7 1.7 {hint} Unauthorized)", "#7 ERROR: process did not complete"):
        log.add(line)
    error = build_failure(log, log_file=Path("build.log"), images=["eda"], platforms=["linux/amd64"], index_names=names)
    assert (str(error), error.exit_code) == (problem, 2)
