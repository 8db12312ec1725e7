"""Commands made of typed functions, and the program made of the commands."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import pytest
from invoke import Collection
from invoke.parser import Parser

from shrinkwrap import program
from shrinkwrap.command import Command, Option, command
from shrinkwrap.program import with_named_values
from terminal import ShrinkwrapError


class FailedError(ShrinkwrapError):
    """Work that failed."""

    exit_code = 1


@command("copy pems --times 2")
def copy(
    source: Annotated[str, Option("what to copy", complete="dataset")],
    *,
    times: Annotated[int, Option("how often")] = 1,
    rate: Annotated[float | None, Option("MB per second", default_text="as fast as possible")] = None,
    into: Annotated[list[str] | None, Option("a target; may be repeated")] = None,
    dry_run: Annotated[bool, Option("only report", short="n")] = False,
) -> int | None:
    """Copy a dataset.

    Nothing is overwritten.
    """
    if source == "broken":
        raise FailedError("the copy failed")
    if source == "interrupted":
        raise KeyboardInterrupt
    print([source, times, rate, into, dry_run])
    return 1 if source == "different" else None


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaces the product's commands by `copy`."""
    monkeypatch.setattr(program, "namespace", Collection(copy))


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["copy", "pems"], ["pems", 1, None, None, False]),
        (["copy", "pems", "--times", "3", "--rate=1.5", "-n"], ["pems", 3, 1.5, None, True]),
        (["copy", "--into", "a", "--into", "b", "pems", "--dry-run"], ["pems", 1, None, ["a", "b"], True]),
    ],
)
def test_the_signature_declares_the_command_line(
    run: None, capsys: pytest.CaptureFixture[str], words: list[str], values: list[object]
) -> None:
    """Positional parameters are positional, keyword-only ones flags, in the types of the signature."""
    assert (program.main(words), capsys.readouterr().out) == (0, f"{values}\n")


def test_a_command_is_still_the_function(capsys: pytest.CaptureFixture[str]) -> None:
    """It can be called from Python with the signature of the function."""
    assert copy("different", times=2) == 1
    assert capsys.readouterr().out == "['different', 2, None, None, False]\n"


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["copy", "different"], 1, ""),
        (["copy", "broken"], 1, "error: the copy failed"),
        (["copy", "interrupted"], 130, "error: interrupted"),
        (["copy", "pems", "--times", "two"], 2, "error: --times must be a whole number, not 'two'"),
        (["copy", "pems", "--rate", "x"], 2, "error: --rate must be a number, not 'x'"),
        (["copi", "pems"], 2, "error: unknown command 'copi'; did you mean 'copy'? See `shrinkwrap --list`."),
        (["copy"], 2, "error: copy needs SOURCE; see `shrinkwrap copy --help`"),
        (["copy", "pems", "--times"], 2, "error: --times needs a value; see `shrinkwrap copy --help`"),
        (
            ["copy", "pems", "--tims", "2"],
            2,
            "error: unknown option '--tims' of copy; did you mean '--times'? See `shrinkwrap copy --help`.",
        ),
        (["copy", "pems", "other"], 2, "error: copy takes no value 'other' here; see `shrinkwrap copy --help`"),
        (
            ["copy", "--tims", "pems"],
            2,
            "error: unknown option '--tims' of copy; did you mean '--times'? See `shrinkwrap copy --help`.",
        ),
        (["--lisst"], 2, "error: unknown option '--lisst'; did you mean '--list'? See `shrinkwrap --help`."),
        (["--help", "copi"], 2, "error: unknown command 'copi'; did you mean 'copy'? See `shrinkwrap --list`."),
    ],
)
def test_errors_have_an_exit_code_and_a_way_out(
    run: None, capsys: pytest.CaptureFixture[str], words: list[str], status: int, message: str
) -> None:
    """Wrong input exits with 2 and names the nearest command or option; failed work exits with 1."""
    assert (program.main(words), capsys.readouterr().err.strip()) == (status, message)


def test_help_shows_defaults_and_an_example(run: None, capsys: pytest.CaptureFixture[str]) -> None:
    """The help of a command is made of its signature and its docstring."""
    assert program.main(["copy", "--help"]) == 0
    assert capsys.readouterr().out == (
        "Usage: shrinkwrap copy [OPTIONS] NAME\n\n"
        "Copy a dataset.\n\n"
        "Nothing is overwritten.\n\n"
        "Options:\n"
        "  NAME           what to copy\n"
        "  --times TIMES  how often (default: 1)\n"
        "  --rate RATE    MB per second (default: as fast as possible)\n"
        "  --into INTO    a target; may be repeated\n"
        "  -n, --dry-run  only report\n\n"
        "Example: shrinkwrap copy pems --times 2\n"
    )


@pytest.mark.parametrize("words", [["copy", "-h"], ["copy", "pems", "--times", "2", "--help"], ["--help", "copy"]])
def test_help_is_found_at_any_place(run: None, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """A request for help is never taken for a value."""
    assert program.main(words) == 0
    assert capsys.readouterr().out.startswith("Usage: shrinkwrap copy [OPTIONS] NAME")


def test_a_parameter_without_an_option_is_a_mistake_of_the_programmer() -> None:
    """Each parameter says what it is for."""

    def undescribed(*, size: str = "") -> None:
        """Do it."""

    with pytest.raises(TypeError, match="parameter 'size' needs the type Annotated"):
        assert command("undescribed")(undescribed).parameters


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two datasets, as the working directory."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/datasets.toml").write_text("[datasets.pems]\n[datasets.climate]\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("line", "candidates"),
    [
        ("copy", ["climate", "pems"]),
        ("copy pe", ["climate", "pems"]),
        ("copy pems --t", ["--times"]),
        ("copy pems --times", []),
        ("co", ["copy"]),
        ("copy 'pe", []),
    ],
)
def test_completion_knows_commands_flags_and_names(
    run: None, project: Path, capsys: pytest.CaptureFixture[str], line: str, candidates: list[str]
) -> None:
    """The shell filters what is offered by what was typed."""
    assert program.main(["--complete", "--", "shrinkwrap", *line.split(" ")]) == 0
    offered = capsys.readouterr().out.split()
    assert (
        [name for name in offered if name.startswith("--t")] == candidates if "--t" in line else offered == candidates
    )


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_one_completion_script_serves_both_programs(capsys: pytest.CaptureFixture[str], shell: str) -> None:
    """The script of each shell completes `shrinkwrap`, `invoke` and `inv`."""
    assert program.main(["--print-completion-script", shell]) == 0
    script = capsys.readouterr().out
    assert all(name in script for name in ("shrinkwrap", "invoke", "inv"))


def test_every_command_has_a_description_an_example_and_described_options() -> None:
    """The example of each command parses as a line of that command."""
    for name in program.namespace.task_names:
        task = program.namespace[name]
        assert isinstance(task, Command), name
        assert task.body.__doc__ and task.example.split()[0] == name, name
        assert all(parameter.option.help for parameter in task.parameters), name
        parser = Parser(contexts=program.namespace.to_contexts())
        assert [context.name for context in parser.parse_argv(with_named_values(shlex.split(task.example)))][-1] == name


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("run a b --local", "run --name a --name b --local"),
        ("run --compare HEAD a", "run --compare HEAD --name a"),
        ("run --name a b", "run --name a --name b"),
        ("data.compress run a notebook.list", "data.compress run --name a notebook.list"),
        ("notebook.run a -p x=run", "notebook.run a -p x=run"),
        ("notebook.up run", "notebook.up run"),
    ],
)
def test_run_takes_names_by_position(words: str, named: str) -> None:
    """Invoke allows one value by position at most; values of options and of other commands stay what they are."""
    assert with_named_values(words.split()) == named.split()
