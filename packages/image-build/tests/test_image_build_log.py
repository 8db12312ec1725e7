"""What BuildKit prints is shown step by step, and a failure is named as precisely as its words allow."""

from __future__ import annotations

import pytest

from image_build.build_log import BuildLog, builder_platforms, registry_failure, registry_of
from image_build.errors import (
    DiskFullError,
    NoImageStoreError,
    NoWheelError,
    PlatformError,
    RegistryDeniedError,
    RegistryUnreachableError,
    StaleLockError,
    StepFailedError,
    UnknownReferenceError,
)

STEP = '#7 [eda builder 2/2] RUN --mount=type=secret,id=ca     sh /install.sh "main"'


def log_of(*lines: str) -> tuple[BuildLog, list[str]]:
    log = BuildLog()
    return log, [shown for line in lines if (shown := log.add(f"{line}\n"))]


def failure_of(*lines: str) -> Exception:
    return log_of(*lines)[0].failure(log="build.log", images=["eda"], platform="linux/amd64")


def test_a_step_is_shown_when_it_runs_and_when_it_ends() -> None:
    """Its options are left out, and what it says goes to the log only."""
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
    """The step, what it said last, and where the rest is."""
    error = failure_of(
        STEP, *(f"#7 0.{n} line {n}" for n in range(20)), "#7 ERROR: process did not complete: exit code: 1"
    )
    assert isinstance(error, StepFailedError)
    assert error.last_lines == tuple(f"line {n}" for n in range(8, 20))
    assert str(error).splitlines()[0] == 'the build failed at [eda builder 2/2] RUN sh /install.sh "main":'
    assert str(error).endswith("All of it: build.log")


@pytest.mark.parametrize("what", ["Cache export", "OCI exporter", "Multi-platform build"])
def test_what_an_older_store_cannot_do_is_told_as_such(what: str) -> None:
    """The default store of older engines exports no cache and no archive; buildx says so outside of any step."""
    error = failure_of(f"ERROR: {what} is not supported for the docker driver.")
    assert isinstance(error, NoImageStoreError) and f"cannot do this ({what})" in str(error)


def test_a_cancelled_step_is_not_to_blame() -> None:
    """Steps that ended because another failed are not the failure."""
    error = failure_of("#6 [a] RUN one", "#6 ERROR: CANCELED", "#7 [b] RUN two", "#7 ERROR: exit code: 1")
    assert isinstance(error, StepFailedError) and error.step == "[b] RUN two"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("#7 1.0 cp: No space left on device", DiskFullError),
        ("#7 1.0 pyproject.toml changed significantly since poetry.lock was last generated.", StaleLockError),
        ("#7 1.0 Because foo{os_name == 'nt'}==1.0 has no usable wheels and you require foo", NoWheelError),
        ("#7 1.0 error: Building `foo==1.0` is disabled", NoWheelError),
    ],
)
def test_known_ends_are_told_as_what_they_are(line: str, kind: type[Exception]) -> None:
    """A full disk, an old lock and a missing wheel have errors of their own."""
    assert type(failure_of(STEP, line, "#7 ERROR: exit code: 1")) is kind


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        ("failed to do request: Head: dial tcp: lookup quay.io: no such host", RegistryUnreachableError),
        ("pull access denied, repository does not exist or may require authorization", RegistryDeniedError),
        ("quay.io/x/y:1: not found", UnknownReferenceError),
    ],
)
def test_a_base_that_cannot_be_had(problem: str, kind: type[Exception]) -> None:
    """The registry of the base is named: silent, refusing, or without such a tag."""
    step = "#3 [eda internal] load metadata for quay.io/x/y:1"
    assert type(failure_of(step, f"#3 ERROR: {problem}")) is kind


@pytest.mark.parametrize(("base", "advice"), [("x/y:1", "correct the base"), ("x/y:1@sha256:0a", "image.pin --update")])
def test_a_base_that_is_gone_is_told_with_what_mends_it(base: str, advice: str) -> None:
    """A digest is asked for again; a tag has to be corrected."""
    failed = failure_of(f"#3 [eda internal] load metadata for {base}", f"#3 ERROR: {base}: not found")
    assert str(failed).startswith(f"there is no image {base}; ")
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
    """The first part is a host if it looks like one, as Docker has it."""
    assert registry_of(reference) == registry


def test_other_words_are_no_registry_failure() -> None:
    """What is neither a refusal nor a silence is left to someone else."""
    assert registry_failure("x", "a proverb") is None


def test_a_cache_that_is_not_there_is_no_failure() -> None:
    """The first build finds no cache to import; what fails later is what the build died of."""
    log, shown = log_of(
        "#5 [eda] importing cache manifest from r.example/eda:cache",
        "#5 ERROR: failed to configure registry cache importer: r.example/eda:cache: not found",
        STEP,
        "#7 ERROR: exit code: 1",
    )
    assert shown[0] == "  –  [eda] importing cache manifest from r.example/eda:cache: there is none"
    error = log.failure(log="build.log", images=["eda"], platform="linux/amd64")
    assert isinstance(error, StepFailedError) and error.step.startswith("[eda builder 2/2]")


def test_a_builder_says_what_it_runs() -> None:
    """Each platform once, variants of amd64 left out; nothing from a builder that is not started."""
    inspected = "Name: x\nPlatforms:        linux/amd64*, linux/amd64/v2, linux/arm64, linux/arm/v7\n"
    assert builder_platforms(inspected) == ("linux/amd64", "linux/arm64", "linux/arm/v7")
    assert builder_platforms("Name: x\nStatus: inactive\n") == ()


def test_a_program_of_another_machine_is_told_as_such() -> None:
    """What the kernel answers to it becomes how to get QEMU."""
    error = failure_of(STEP, "#7 0.1 exec /bin/sh: exec format error", "#7 ERROR: exit code: 1")
    assert isinstance(error, PlatformError)
    assert str(error).startswith("this machine's builder cannot run linux/amd64. Build on a machine of that kind")
    assert "--install amd64`" in str(error)
