"""The `image` commands call functions of image_build with their options; and facts about the images' files."""

from __future__ import annotations

import re
import signal
import tomllib
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import image_build
from image_build import BuildRequest, LocalImage
from image_build.clean import CleanedImage, CleanedImages
from image_build.testing.findings import Finding, ImageSize
from image_build.testing.image_test import ImageReport
from shrinkwrap.program import main

ROOT = Path(__file__).resolve().parents[1]
REPORT = ImageReport(
    image="a",
    reference="a:env-0",
    digest="sha256:0",
    size_bytes=3,
    base_bytes=1,
    package_bytes={"numpy": 1},
    findings=(Finding(what="user", fact="user id 1000"),),
)


class Recorder:
    """Replaces a function of image_build: records its arguments, and returns a fixed result."""

    def __init__(self, result: object) -> None:
        self.result = result
        self.arguments: tuple[Any, ...] = ()
        self.options: dict[str, Any] = {}

    def __call__(self, root: object, *arguments: object, **options: object) -> object:
        self.arguments, self.options = arguments, options
        return self.result


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Replaces a function of image_build by a Recorder, in a subfolder of this project."""
    monkeypatch.chdir(ROOT / "images")

    def replaced(name: str, result: object) -> Recorder:
        recorder = Recorder(result)
        monkeypatch.setattr(image_build, name, recorder)
        return recorder

    return replaced


@pytest.mark.parametrize(
    ("words", "request_"),
    [
        ([], {}),
        (
            ["--group", "models", "--group", "main,notebook", "--base", "x:1", "--push", "--no-cache"],
            {"groups": ("models", "main", "notebook"), "base": "x:1", "is_pushed": True, "is_uncached": True},
        ),
        (
            ["--image", "a", "--platform", "linux/arm64", "--cache", "gha", "--force"],
            {"images": ("a",), "platforms": ("linux/arm64",), "cache": "gha", "is_forced": True},
        ),
    ],
)
def test_a_build_is_requested_with_the_options(record: Any, words: list[str], request_: dict[str, Any]) -> None:
    """Each option of image.build is part of the request; a build always needs a current lock."""
    plan = record("plan_build", SimpleNamespace(images=(), requested=()))
    build = record("build_images", SimpleNamespace(reports=()))
    assert main(["image.build", *words]) == 0
    assert plan.arguments == (BuildRequest(**request_, needs_current_lock=True),)
    assert build.options == {}


def test_a_dry_run_builds_nothing(
    record: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """image.build --dry-run only prints the plan."""
    record("plan_build", SimpleNamespace(images=(), requested=()))
    monkeypatch.setattr(image_build, "build_images", None)
    assert main(["image.build", "--dry-run", "--json"]) == 0
    assert capsys.readouterr().out == "[]\n"


@pytest.mark.parametrize(
    ("words", "function", "result", "arguments", "options"),
    [
        (["get", "a", "--no-build"], "get_image", None, ("a",), {"base": None, "registry": None, "may_build": False}),
        (
            ["get", "a", "--base", "x:1", "--registry", "h/o"],
            "get_image",
            None,
            ("a",),
            {"base": "x:1", "registry": "h/o", "may_build": True},
        ),
        (["test", "a", "--json"], "test_image", REPORT, ("a",), {"base": None}),
        (["list", "--base", "x:1"], "list_images", [], (), {"base": "x:1"}),
        (
            ["run", "a", "--command", "python -V"],
            "run_image",
            0,
            ("a",),
            {"command": "python -V", "port": 8888, "base": None},
        ),
        (
            ["size", "a"],
            "image_size",
            ImageSize(total_bytes=3, base_bytes=1, package_bytes={"numpy": 1}),
            ("a",),
            {"base": None},
        ),
        (["clean", "--dry-run"], "clean_images", CleanedImages(images=(), unlabelled=()), (), {"is_dry_run": True}),
        (["pin", "--update"], "pin_bases", ("a: pinned",), (), {"is_updated": True}),
        (["reproduce", "a"], "reproduce_image", "sha256:0", ("a",), {"base": None}),
    ],
)
def test_a_command_calls_one_function(
    record: Any, words: list[str], function: str, result: object, arguments: tuple[str, ...], options: dict[str, Any]
) -> None:
    """Each command calls the function of its verb with its options."""
    local = LocalImage(name="a", reference="a:env-0", digest="sha256:0", fingerprint="0", origin="pulled")
    recorder = record(function, local if function == "get_image" else result)
    assert main([f"image.{words[0]}", *words[1:]]) == 0
    assert (recorder.arguments, recorder.options) == (arguments, options)


@pytest.mark.parametrize(
    ("words", "function", "result", "status"),
    [
        (["run", "a", "--command", "exit 3"], "run_image", 3, 3),
        (
            ["clean"],
            "clean_images",
            CleanedImages(images=(CleanedImage(name="a", size_bytes=1, problem="in use"),), unlabelled=()),
            1,
        ),
    ],
)
def test_the_exit_status(record: Any, words: list[str], function: str, result: object, status: int) -> None:
    """image.run exits with the status of its command, and image.clean with 1 if an image was kept."""
    record(function, result)
    assert main([f"image.{words[0]}", *words[1:]]) == status


def test_clean_names_the_images_that_it_keeps(record: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Images that do not say which repository built them are named once, with the command that removes them."""
    record("clean_images", CleanedImages(images=(), unlabelled=("a:1", "b:1")))
    assert main(["image.clean"]) == 0
    output = capsys.readouterr()
    assert output.out == "no local image was built by this repository\n"
    assert output.err.startswith("kept a:1, b:1: ") and output.err.endswith("`docker image rm a:1 b:1`.\n")


def test_sigterm_interrupts_a_build(record: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGTERM acts like Ctrl-C during a build: exit code 130; afterwards the previous handler is active again."""
    before = signal.getsignal(signal.SIGTERM)

    def build(*_: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    record("plan_build", SimpleNamespace(images=(), requested=()))
    monkeypatch.setattr(image_build, "build_images", build)
    assert main(["image.build"]) == 130
    assert signal.getsignal(signal.SIGTERM) is before


def test_every_command_explains_itself(tasks: ModuleType) -> None:
    """Each command has a description, an example of itself, and a help text for every option."""
    for name, command in tasks.namespace.collections["image"].tasks.items():
        assert command.example.startswith(f"image.{name}"), name
        assert command.__doc__, name
        assert all(argument.help for argument in command.get_arguments()), name


@pytest.mark.parametrize("name", ["base", "notebook"])
def test_tooling_is_installed_in_one_way(name: str) -> None:
    """The image jupyter-poetry-base and the stage that replaces it run the same step."""
    (step,) = re.findall(
        r"^RUN (?:.*\\\n)*.*install-tools\.sh.*$", (ROOT / f"images/{name}/Dockerfile").read_text("utf-8"), re.MULTILINE
    )
    other = (ROOT / "images/base/Dockerfile").read_text("utf-8")
    assert step in other


def test_every_image_starts_from_the_same_base() -> None:
    """A venv works only with the interpreter that created it; a plain docker build uses the base of the table."""
    bases = {
        re.findall(r"^ARG BASE_IMAGE=(.+)$", path.read_text("utf-8"), re.MULTILINE)[0]
        for path in ROOT.glob("images/*/Dockerfile")
    }
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["env-spec"]["images"]
    bases |= {table["base"].partition("@")[0] for table in tables.values() if "base" in table}
    assert len(bases) == 1


def test_nothing_private_is_in_the_context() -> None:
    """The context has only listed files: no data, no notebooks, no .git, nothing in folders named .env."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    assert allowed == {"pyproject.toml", "poetry.lock", "tools-requirements.txt", "images", "packages"}
