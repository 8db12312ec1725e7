"""The console program: the namespace of all commands, help, errors of the command line, completion."""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from invoke import Collection, Exit, Program
from invoke.completion.complete import print_completion_script
from invoke.exceptions import ParseError
from invoke.main import program as invoke_program
from invoke.parser import ParserContext

from shrinkwrap.command import Command, Parameter, end_quietly
from shrinkwrap.commands import data, env, image, infra, notebook
from shrinkwrap.commands.running import run
from shrinkwrap.completion import value_candidates
from terminal import EXIT_FAILED, EXIT_WRONG_INPUT, nearest_name

namespace: Final = Collection(
    run,
    data=data.collection,
    env=env.collection,
    image=image.collection,
    infra=infra.collection,
    notebook=notebook.collection,
)

_UNKNOWN: Final = re.compile(r"No idea what '(?P<token>.*)' is!", re.DOTALL)
_NEEDS_POSITIONAL: Final = re.compile(
    r"'(?P<command>.*?)' did not receive required positional arguments: (?P<names>.*)"
)
_NEEDS_VALUE: Final = re.compile(r"Flag <Argument: (?P<name>[^ >]+).*> needed value and was not given one!")
_WIDTH: Final = 80
# Options of `run` that a value follows.
_RUN_VALUES: Final = ("--compare", "--name")


def with_named_values(words: Sequence[str]) -> list[str]:
    """The words of a command line with `run --name NAME…` for `run NAME…`, which Invoke cannot parse."""
    found: list[str] = []
    command = ""
    for word in words:
        is_command = word == "run" or "." in word
        if command == "run" and not is_command and not word.startswith("-") and found[-1] not in _RUN_VALUES:
            found.append("--name")
        elif is_command and not (found and found[-1] in _RUN_VALUES):
            command = word
        found.append(word)
    return found


class ShrinkwrapProgram(Program):
    """Invoke's program with errors that name the nearest command or flag, and help that shows an example."""

    def parse_core_args(self) -> None:
        """Parse the options before the first command; print the completion script for fish here.

        Invoke's own script for fish completes only one program name.
        """
        super().parse_core_args()
        if self.args["print-completion-script"].value == "fish":
            for name in self.binary_names:
                print_completion_script("fish", [name])
            raise Exit

    def parse_tasks(self) -> None:
        """Parse the commands; report what cannot be parsed with the nearest name."""
        self._find_help()
        self.core.unparsed = with_named_values(self.core.unparsed)
        with self._explained_errors():
            super().parse_tasks()
        for context in self.tasks:
            if (option := _misread_option(context)) is not None:
                raise Exit(f"error: {self._unknown_text(option, context.name)}", code=EXIT_WRONG_INPUT)

    def parse_cleanup(self) -> None:
        """Print help, the list of commands, or completions."""
        if self.args.complete.value:
            self._complete()
        try:
            with self._explained_errors():
                super().parse_cleanup()
        except BrokenPipeError:
            end_quietly()
            raise Exit(code=EXIT_FAILED) from None
        except Exit:
            _flush()
            raise

    def print_task_help(self, name: str) -> None:
        """Print what a command does, its options with their defaults, and an example."""
        task = self.collection[name]
        if isinstance(task, Command):
            print(help_text(task, name=name, program=self._program))
        else:
            super().print_task_help(name)

    @property
    def _program(self) -> str:
        # Invoke calls itself `inv[oke]`, which cannot be pasted into a shell.
        return self.binary.replace("inv[oke]", "invoke")

    def _find_help(self) -> None:
        """Let `--help` after a command be about it, also where Invoke would take it for a positional value."""
        words = self.core.unparsed
        words = words[: words.index("--")] if "--" in words else words
        for index, word in enumerate(words):
            named = [name for name in words[:index] if name in self.collection.task_names]
            if word in ("--help", "-h") and named:
                self.args.help.value = named[-1]
                self.core.unparsed = []
                return

    def _complete(self) -> None:
        line = re.sub(r"^\S+\s*", "", self.core.remainder)
        names = value_candidates(line, self._make_parser(), self.collection)
        if names is not None:
            print(*names, sep="\n", end="\n" if names else "")
            _flush()
            raise Exit

    @contextmanager
    def _explained_errors(self) -> Iterator[None]:
        try:
            yield
        except ParseError as error:
            raise Exit(f"error: {self._explained(error)}", code=EXIT_WRONG_INPUT) from None

    def _explained(self, error: ParseError) -> str:
        command = error.context.name if error.context is not None else None
        option = _misread_option(error.context) if error.context is not None else None
        if match := _UNKNOWN.fullmatch(str(error)):
            return self._unknown_text(option or match["token"], command)
        if match := _NEEDS_POSITIONAL.fullmatch(str(error)):
            names = match["names"].replace("'", "").upper()
            return f"{match['command']} needs {names}; see `{self._program} {match['command']} --help`"
        if (match := _NEEDS_VALUE.fullmatch(str(error))) and command:
            return f"--{match['name']} needs a value; see `{self._program} {command} --help`"
        return str(error)

    def _unknown_text(self, token: str, command: str | None) -> str:
        task = self.collection[command] if command else None
        if token.startswith("-"):
            parameters = task.parameters if isinstance(task, Command) else []
            flags = [parameter.flag for parameter in parameters if not parameter.is_positional]
            flags += [] if command else [f"--{name}" for name in self.initial_context.args]
            where, see = (f" of {command}", f"{command} --help") if command else ("", "--help")
            return f"unknown option {token!r}{where}{_hint(token, flags)} See `{self._program} {see}`."
        names = list(self.collection.task_names)
        if isinstance(task, Command) and nearest_name(token, names) is None:
            return f"{command} takes no value {token!r} here; see `{self._program} {command} --help`"
        return f"unknown command {token!r}{_hint(token, names)} See `{self._program} --list`."


def help_text(task: Command, *, name: str, program: str) -> str:
    """The help of a command: usage, description, options with defaults, example."""
    parameters = task.parameters
    positional = " ".join(parameter.metavar for parameter in parameters if parameter.is_positional)
    options = " [OPTIONS]" if any(not parameter.is_positional for parameter in parameters) else ""
    lines = [f"Usage: {program} {name}{options}{f' {positional}' if positional else ''}", ""]
    lines += (inspect.getdoc(task.body) or "").splitlines()
    if parameters:
        width = max(len(_usage(parameter)) for parameter in parameters)
        lines += ["", "Options:", *(line for parameter in parameters for line in _option_lines(parameter, width))]
    return "\n".join([*lines, "", f"Example: {program} {task.example}"])


def main(argv: Sequence[str] | None = None) -> int:
    """Run commands, as the console program `shrinkwrap` does.

    Args:
        argv: The arguments without the program's name; those of the process by default.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrong input, 130 interrupted.
    """
    program = ShrinkwrapProgram(
        namespace=namespace, name="Shrinkwrap", binary="shrinkwrap", binary_names=["shrinkwrap", "invoke", "inv"]
    )
    try:
        program.run(None if argv is None else ["shrinkwrap", *argv])
    except SystemExit as stop:
        return int(stop.code or 0)
    except BrokenPipeError:
        end_quietly()
        return EXIT_FAILED
    finally:
        _flush()
    return 0


def adopt_invoke() -> None:
    """Give the program `invoke`, which is about to run commands of this namespace, our errors, help and completion.

    `invoke` loads `tasks.py` after it has started, so the running program changes its class.
    """
    invoke_program.__class__ = ShrinkwrapProgram


def _misread_option(context: ParserContext) -> str | None:
    """An option that Invoke took for a positional value: it takes any word for one that is still missing."""
    values = [argument.value for argument in context.positional_args]
    return next((value for value in values if isinstance(value, str) and re.match(r"-.", value)), None)


def _usage(parameter: Parameter) -> str:
    short = f"-{parameter.option.short}, " if parameter.option.short else ""
    value = "" if parameter.is_positional or parameter.kind is bool else f" {parameter.metavar}"
    return f"{short}{parameter.flag}{value}"


def _option_lines(parameter: Parameter, width: int) -> Iterable[str]:
    indent = min(width, 30) + 4
    lines = textwrap.wrap(parameter.help, _WIDTH - indent) or [""]
    head = f"  {_usage(parameter)}"
    if len(head) > indent - 2:
        return [head, *(f"{'':{indent}}{line}" for line in lines)]
    return [f"{head:{indent}}{lines[0]}", *(f"{'':{indent}}{line}" for line in lines[1:])]


def _hint(name: str, known: Iterable[str]) -> str:
    nearest = nearest_name(name, known)
    return f"; did you mean {nearest!r}?" if nearest else "."


def _flush() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        end_quietly()
