"""Reads BuildKit's plain progress line by line: which lines to print, and the output of each step."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_LINE = re.compile(r"#(?P<step>\d+) (?P<text>.*)")
_NAME = re.compile(r"\[.+\] \S.*|exporting to .*|importing cache .*|exporting cache .*")
_DONE = re.compile(r"DONE (?P<seconds>[\d.]+)s")
_OUTPUT = re.compile(r"\d+\.\d+ (?P<text>.*)")
_SHOWN_WIDTH = 110


@dataclass
class Step:
    """A step of a build; `error` is None while it has not failed."""

    name: str = ""
    output: list[str] = field(default_factory=list)
    is_shown: bool = False
    error: str | None = None


class BuildLog:
    """The lines of one build."""

    def __init__(self) -> None:
        self._steps: dict[str, Step] = {}
        self.errors_outside_steps: list[str] = []
        self._shown: set[str] = set()

    def add(self, line: str) -> str | None:
        """Add a line; return the line to print, or None."""
        match = _LINE.fullmatch(line.rstrip())
        if not match:
            if line.startswith("ERROR:"):
                self.errors_outside_steps.append(line.strip())
            return None
        text, step = match["text"], self._steps.setdefault(match["step"], Step())
        if not step.name and _NAME.fullmatch(text):
            step.name = text
            return None
        if text.startswith("ERROR: ") and "importing cache" in step.name:
            # The first build of an image finds no cache. BuildKit continues without it, whatever the reason.
            return self._once(f"  –  {short_name(step.name)}: not found")
        if text.startswith("ERROR: "):
            step.error = text.removeprefix("ERROR: ")
            return f" FAIL {short_name(step.name)}"
        if output := _OUTPUT.fullmatch(text):
            step.output.append(output["text"])
            if not step.is_shown and step.name.startswith("["):
                step.is_shown = True
                return self._once(f"  …  {short_name(step.name)}")
        return self._once(_end_text(text, step))

    def _once(self, line: str | None) -> str | None:
        """The line, if it was not printed before: bake reports a shared step once for each image."""
        if line is None or line in self._shown:
            return None
        self._shown.add(line)
        return line

    @property
    def failed_step(self) -> Step | None:
        """The first step that failed itself, and was not cancelled because another failed."""
        failed = [step for step in self._steps.values() if step.error]
        return next((step for step in failed if step.error != "CANCELED"), None)


def _end_text(text: str, step: Step) -> str | None:
    if "internal] " in step.name or not step.name:
        return None
    if text == "CACHED":
        return f"  =  {short_name(step.name)}: cached"
    if (done := _DONE.fullmatch(text)) and float(done["seconds"]) >= 0.1:
        return f"  ok {short_name(step.name)}: {float(done['seconds']):.1f} s"
    return None


def short_name(name: str) -> str:
    """A step's name without the options of RUN, so that the command is visible."""
    plain = re.sub(r" --(?:mount|link|from|chown)\S*| SOURCE_DATE_EPOCH=\S+", "", name)
    plain = re.sub(" {2,}", " ", plain)
    return plain if len(plain) <= _SHOWN_WIDTH else plain[: _SHOWN_WIDTH - 1] + "…"
