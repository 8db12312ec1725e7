"""The tasks `env.*`: what they run, what Docker is asked, and what they make of its answers."""

from __future__ import annotations

import itertools
import re
import shlex
from pathlib import Path
from types import ModuleType

import pytest
from invoke import Exit, MockContext, Result

from env_spec import PROBE

ROOT = Path(__file__).resolve().parents[1]
LISTING = "docker image ls '--format={{.Repository}}:{{.Tag}}' "
LOOK = "docker run --rm --network=none --entrypoint=python "


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one image, as the working directory."""
    (tmp_path / "images/notebook").mkdir(parents=True)
    (tmp_path / "images/notebook/Dockerfile").touch()
    (tmp_path / "pyproject.toml").write_text(
        '[tool.poetry.group.main.dependencies]\nnumpy = "*"\n'
        '[tool.env-spec.images.eda]\ngroups = ["main"]\nregistry = "r.example"\n'
    )
    (tmp_path / "poetry.lock").write_text('[metadata]\nlock-version = "2.1"\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Recorder(MockContext):
    """Answers by the start of a command, and keeps what the files held that a command names."""

    answers: dict[str, Result]
    seen: list[str]
    files: dict[str, str]

    def __init__(self, answers: dict[str, Result]) -> None:
        super().__init__()
        # A plain assignment would make these settings of invoke, which hands out copies.
        self._set(answers=answers, seen=[], files={})

    def run(self, command: str, **options: object) -> Result:
        self.seen.append(command)
        words = shlex.split(command)
        if words[:3] == ["python", "-m", "env_spec"]:
            for flag, word in itertools.pairwise(words):
                if flag in ("--installed", "--inspected", "--changes"):
                    self.files[flag] = Path(word).read_text()
        return next((result for start, result in self.answers.items() if command.startswith(start)), Result())


@pytest.mark.parametrize(
    ("task", "flags", "command"),
    [
        ("env_list", {}, "python -m env_spec list"),
        ("env_list", {"json": True}, "python -m env_spec list --json"),
        ("env_show", {"image": "eda", "json": True}, "python -m env_spec show eda --json"),
        ("env_diff", {}, "python -m env_spec diff --rev HEAD"),
        ("env_diff", {"rev": "main", "json": True}, "python -m env_spec diff --rev main --json"),
        ("env_matrix", {}, "python -m env_spec matrix"),
        ("env_matrix", {"changed_since": "HEAD~1"}, "python -m env_spec matrix --changed-since 'HEAD~1'"),
        ("env_lock", {}, "python -m env_spec lock"),
        ("env_lock", {"add": "scipy>=1", "group": "models"}, "python -m env_spec lock --add 'scipy>=1' --group models"),
        ("env_sbom", {"image": "eda"}, "python -m env_spec sbom eda"),
        ("env_verify", {}, "python -m env_spec verify --here --group ops,dev"),
        ("env_verify", {"here": True, "group": ["main"]}, "python -m env_spec verify --here --group main"),
    ],
)
def test_a_task_runs_exactly_this(tasks: ModuleType, task: str, flags: dict[str, object], command: str) -> None:
    """Each task is one command with the task's flags."""
    context = MockContext(run={command: Result()})
    getattr(tasks, task)(context, **flags)
    assert [call.args[0] for call in context.run.mock_calls] == [command]


def test_the_exit_code_is_the_commands(tasks: ModuleType) -> None:
    """Drift exits with 1, wrong input with 2."""
    with pytest.raises(Exit) as caught:
        tasks.env_verify(MockContext(run=Result(exited=1)))
    assert caught.value.code == 1


def test_a_container_is_asked_three_things(tasks: ModuleType) -> None:
    """What is installed, which image it is, and what changed in it; the package compares."""
    context = Recorder(
        {
            "docker exec c1 python -c ": Result(stdout="answer"),
            "docker container inspect c1": Result(stdout="[]"),
            "docker container diff c1": Result(stdout="A /x\n"),
        }
    )
    tasks.env_verify(context, container="c1", json=True)
    assert shlex.split(context.seen[0]) == ["docker", "exec", "c1", "python", "-c", PROBE]
    assert context.files == {"--installed": "answer", "--inspected": "[]", "--changes": "A /x\n"}
    assert context.seen[-1].endswith(" --json")


def test_an_image_is_looked_at_in_a_container_of_its_own(tasks: ModuleType, project: Path) -> None:
    """The newest image of that name is run without network, and leaves nothing behind."""
    context = Recorder({LISTING: Result(stdout="r.example/eda:env-0\n"), LOOK: Result(stdout="answer")})
    tasks.env_verify(context, image="eda")
    assert context.seen[0] == LISTING + "r.example/eda"
    assert context.seen[1].startswith(LOOK + "r.example/eda:env-0 -c ")
    assert context.files == {"--installed": "answer"}
    assert "--image eda" in context.seen[2]


def test_a_reference_is_taken_as_it_is(tasks: ModuleType) -> None:
    """With a tag or digest nothing is looked up."""
    context = Recorder({})
    tasks.env_verify(context, image="r.example/eda:old")
    assert context.seen[0].startswith(LOOK + "r.example/eda:old -c ")


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("eda", "error: image 'eda' is not here; build it with `invoke image.build --image eda`"),
        ("ead", "error: there is no image 'ead'; did you mean 'eda'? Images: eda"),
    ],
)
def test_an_image_that_is_not_there(tasks: ModuleType, project: Path, image: str, message: str) -> None:
    """A name that no table has, or that nobody built here, is wrong input."""
    with pytest.raises(Exit) as caught:
        tasks.env_verify(Recorder({}), image=image)
    assert (caught.value.code, caught.value.message) == (2, message)


def test_docker_that_fails_is_no_drift(tasks: ModuleType) -> None:
    """If nothing can be compared the exit code is 2, with Docker's own words."""
    failure = Result(stderr="Error: No such container: c1\n", exited=1)
    with pytest.raises(Exit) as caught:
        tasks.env_verify(Recorder({"docker exec": failure}), container="c1")
    assert caught.value.code == 2
    assert caught.value.message == "error: docker exec c1 failed: Error: No such container: c1"


@pytest.mark.parametrize(
    "flags", [{"image": "a", "here": True}, {"image": "a", "container": "c"}, {"image": "a", "group": ["b"]}]
)
def test_only_one_place_at_a_time(tasks: ModuleType, flags: dict[str, object]) -> None:
    """Flags that contradict each other run nothing."""
    with pytest.raises(Exit, match="name one of --image, --container and --here") as caught:
        tasks.env_verify(MockContext(), **flags)
    assert caught.value.code == 2


def test_every_task_explains_itself(tasks: ModuleType) -> None:
    """Each task has a docstring with an example, and a help text for every flag."""
    for name, task in tasks.namespace.collections["env"].tasks.items():
        assert re.search(r"invoke env\." + name, task.__doc__), name
        assert all(argument.help for argument in task.get_arguments()), name
