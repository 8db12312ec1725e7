"""Makes an Invoke task of a typed function: its signature is the only declaration of the command's options."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from invoke import Argument, Context, Exit, Task

from terminal import EXIT_FAILED, EXIT_INTERRUPTED, ShrinkwrapError

Completion: TypeAlias = Literal["dataset", "image", "notebook", "notebook or dataset"]


@dataclass(frozen=True)
class Option:
    """What `--help` and completion need to know of a parameter, in addition to its name, type and default.

    Attributes:
        help: A phrase in lower case, without the default.
        short: A letter for a short flag; only where a user would guess it.
        default_text: What happens without the option, where the default is None.
        metavar: What the value is called in `--help`.
        complete: Which names of the project complete the value.
    """

    help: str
    short: str | None = None
    default_text: str | None = None
    metavar: str | None = None
    complete: Completion | None = None


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter of a command's function.

    Attributes:
        kind: bool, int, float, str or list (of texts).
    """

    name: str
    kind: type
    default: Any
    is_positional: bool
    option: Option

    @property
    def flag(self) -> str:
        """How the user writes it: `--changed-since`, or `NAME` if it is positional."""
        return self.metavar if self.is_positional else f"--{self.name.replace('_', '-')}"

    @property
    def metavar(self) -> str:
        """What the value is called."""
        return self.option.metavar or (self.option.complete and "NAME") or self.name.upper().replace("_", "-")

    @property
    def help(self) -> str:
        """The help with the default."""
        default = self.option.default_text
        # A comparison with `in` would take 0 for False.
        if default is None and not any(self.default is absent for absent in (None, False, inspect.Parameter.empty)):
            default = str(self.default)
        return f"{self.option.help} (default: {default})" if default else self.option.help

    def argument(self) -> Argument:
        """The parameter as Invoke parses it; numbers stay text until `value` converts them."""
        dashed = self.name.replace("_", "-")
        is_list = self.kind is list
        return Argument(
            names=[dashed, *([self.option.short] if self.option.short else [])],
            # Invoke ends with a traceback where a text is no number.
            kind=self.kind if self.kind in (bool, list) else str,
            default=[] if is_list else None if self.default is inspect.Parameter.empty else self.default,
            help=self.help,
            positional=self.is_positional,
            attr_name=self.name if "_" in self.name else None,
        )

    def value(self, given: Any) -> Any:
        """What Invoke parsed, in the parameter's type.

        Raises:
            ShrinkwrapError: The text is not a number of that type.
        """
        if self.kind is list:
            return list(given) or self.default
        if not isinstance(given, str) or self.kind not in (int, float):
            return given
        try:
            return self.kind(given)
        except ValueError:
            noun = "a whole number" if self.kind is int else "a number"
            raise ShrinkwrapError(f"{self.flag} must be {noun}, not {given!r}") from None


class Command(Task[Callable[..., int | None]]):
    """An Invoke task made from a typed function, which it remains when it is called without Invoke's context."""

    def __init__(self, body: Callable[..., int | None], *, example: str, name: str | None = None) -> None:
        super().__init__(body, name=name, auto_shortflags=False)
        self.example = example

    def argspec(self, body: Callable[..., Any]) -> inspect.Signature:
        """The signature of the function, which has no parameter for Invoke's context."""
        return inspect.signature(body)

    def fill_implicit_positionals(self, positional: Any) -> Any:
        """The names of the positional parameters: those that may be passed without a name."""
        parameters = inspect.signature(self.body).parameters.values()
        return [parameter.name for parameter in parameters if parameter.kind is not inspect.Parameter.KEYWORD_ONLY]

    @cached_property
    def parameters(self) -> list[Parameter]:
        """The parameters, in the order of the signature."""
        hints = get_type_hints(self.body, include_extras=True)
        return [
            _parameter(parameter, hints[name]) for name, parameter in inspect.signature(self.body).parameters.items()
        ]

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """The parameters as Invoke parses them."""
        return [parameter.argument() for parameter in self.parameters]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function; from Invoke, convert the values first and turn errors into exit codes."""
        if not (args and isinstance(args[0], Context)):
            return self.body(*args, **kwargs)
        status = _run(
            lambda: self.body(
                **{parameter.name: parameter.value(kwargs[parameter.name]) for parameter in self.parameters}
            )
        )
        self.times_called += 1
        if status:
            raise Exit(code=status)
        return None


def command(example: str, *, name: str | None = None) -> Callable[[Callable[..., int | None]], Command]:
    """Make a command of a function.

    The first sentence of the docstring is its line in `--list`. Parameters that can be passed by position are
    positional, keyword-only ones are flags. Each has the type `Annotated[T, Option(…)]` with T one of bool, int, float,
    str and list[str], or one of them or None. The function returns None or an exit code.

    Args:
        example: An example without the program's name, such as "data.sample --size 1GB".
        name: Where the function's name would hide a builtin or another function.
    """
    return lambda body: Command(body, example=example, name=name)


def end_quietly() -> None:
    """Stop writing to a standard output that its reader has closed, also when Python flushes it at exit."""
    sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  # Closed by the end of the process.


def _run(body: Callable[[], int | None]) -> int:
    try:
        status = body() or 0
        sys.stdout.flush()
    except ShrinkwrapError as error:
        sys.stdout.flush()
        raise Exit(f"error: {error}", code=error.exit_code) from None
    except BrokenPipeError:
        end_quietly()
        return EXIT_FAILED
    except KeyboardInterrupt:
        raise Exit("error: interrupted", code=EXIT_INTERRUPTED) from None
    return status


def _parameter(parameter: inspect.Parameter, hint: Any) -> Parameter:
    if get_origin(hint) is not Annotated:
        raise TypeError(f"parameter {parameter.name!r} needs the type Annotated[T, Option(…)]")
    base, option, *_ = get_args(hint)
    kinds = [
        kind for kind in (get_args(base) if get_origin(base) in (Union, UnionType) else [base]) if kind is not NoneType
    ]
    return Parameter(
        name=parameter.name,
        kind=get_origin(kinds[0]) or kinds[0],
        default=parameter.default,
        is_positional=parameter.kind is not inspect.Parameter.KEYWORD_ONLY,
        option=option,
    )
