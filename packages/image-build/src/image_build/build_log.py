"""BuildKit's plain progress, read line by line: what a person is shown, and which step failed and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from image_build.errors import (
    DiskFullError,
    ImageBuildError,
    NoImageStoreError,
    NoWheelError,
    PlatformError,
    RegistryDeniedError,
    RegistryUnreachableError,
    StaleLockError,
    StepFailedError,
    UnknownReferenceError,
)

_LINE = re.compile(r"#(?P<step>\d+) (?P<text>.*)")
_NAME = re.compile(r"\[.+\] \S.*|exporting to .*|importing cache .*|exporting cache .*")
_DONE = re.compile(r"DONE (?P<seconds>[\d.]+)s")
_OUTPUT = re.compile(r"\d+\.\d+ (?P<text>.*)")
# As uv says it; a marker may stand in braces.
_NO_WHEEL = re.compile(
    r"Because (?P<name>[\w.-]+)(?:\{[^}]*\})?==(?P<version>\S+) has no (?:usable )?wheels?"
    r"|[Bb]uilding `(?P<built>[^`]+)` is disabled"
)
# As buildx says it: cache export, OCI exporter, multi-platform build.
_NO_STORE = re.compile(r"ERROR: (?P<what>.+) is not supported for the docker driver")
_SHOWN_LINES = 12
_SHOWN_WIDTH = 110


@dataclass
class _Step:
    name: str = ""
    output: list[str] = field(default_factory=list)
    is_shown: bool = False
    error: str | None = None


class BuildLog:
    """Takes the lines of one build; keeps what each step said."""

    def __init__(self) -> None:
        self._steps: dict[str, _Step] = {}
        self._tail: list[str] = []
        self._shown: set[str] = set()

    def add(self, line: str) -> str | None:
        """What to show of this line; None for nothing."""
        match = _LINE.fullmatch(line.rstrip())
        if not match:
            if line.startswith("ERROR:"):
                self._tail.append(line.strip())
            return None
        text, step = match["text"], self._steps.setdefault(match["step"], _Step())
        if not step.name and _NAME.fullmatch(text):
            step.name = text
            return None
        if text.startswith("ERROR: ") and "importing cache" in step.name:
            # The first build of an image finds none; whatever is the matter, BuildKit goes on without it.
            return self._once(f"  –  {_short(step.name)}: there is none")
        if text.startswith("ERROR: "):
            step.error = text.removeprefix("ERROR: ")
            return f" FAIL {_short(step.name)}"
        if output := _OUTPUT.fullmatch(text):
            step.output.append(output["text"])
            if not step.is_shown and step.name.startswith("["):
                step.is_shown = True
                return self._once(f"  …  {_short(step.name)}")
        return self._once(_ended(text, step))

    def _once(self, line: str | None) -> str | None:
        """Bake tells a shared step once for each image that has it."""
        if line is None or line in self._shown:
            return None
        self._shown.add(line)
        return line

    @property
    def failed_step(self) -> _Step | None:
        """The first step with an error that is not merely the end of another's."""
        failed = [step for step in self._steps.values() if step.error]
        return next((step for step in failed if step.error != "CANCELED"), None)

    def failure(self, *, log: str, images: Sequence[str], platform: str) -> ImageBuildError:
        """What the build died of, as precisely as its words allow."""
        step = self.failed_step or _Step(name="its definition", error="\n".join(self._tail))
        text = "\n".join([*step.output, step.error or "", *self._tail])
        if re.search("no space left on device|ENOSPC", text, re.IGNORECASE):
            return DiskFullError(_short(step.name))
        if "exec format error" in text:
            return PlatformError(platform.split(", "), there_is=())
        if lack := _NO_STORE.search(text):
            return NoImageStoreError(lack["what"])
        if error := _registry_error(step, text):
            return error
        if "pyproject.toml changed significantly" in text:
            return StaleLockError()
        if wheel := _NO_WHEEL.search(text):
            package = wheel["built"] or f"{wheel['name']} {wheel['version']}"
            return NoWheelError(package, images=images, platform=platform)
        last = [line for line in step.output if line.strip()][-_SHOWN_LINES:] or (step.error or "").splitlines()
        return StepFailedError(_short(step.name), last_lines=last, log=log)


def builder_platforms(inspected: str) -> tuple[str, ...]:
    """What `docker buildx inspect` says that a builder runs, without the variants of amd64."""
    lines = [line.partition(":")[2] for line in inspected.splitlines() if line.startswith("Platforms:")]
    names = (name.strip().rstrip("*") for line in lines for name in line.split(","))
    return tuple(dict.fromkeys(name for name in names if name and not name.startswith("linux/amd64/")))


def registry_of(reference: str) -> str:
    """The host that serves a reference."""
    first, slash, _ = reference.partition("/")
    is_host = slash and ("." in first or ":" in first or first == "localhost")
    return first if is_host else "docker.io"


def registry_failure(reference: str, problem: str) -> ImageBuildError | None:
    """A registry's refusal or silence, from the words of whoever asked it; None for anything else."""
    registry, short = registry_of(reference), problem.strip().splitlines()[-1][-200:] if problem.strip() else problem
    if re.search(r"unauthorized|401|403 Forbidden|denied|authorization failed|no basic auth", problem, re.IGNORECASE):
        return RegistryDeniedError(registry, short)
    silence = r"no such host|connection refused|i/o timeout|failed to do request|network is unreachable|EOF|certificate"
    if re.search(silence, problem):
        return RegistryUnreachableError(registry, short)
    return None


def _registry_error(step: _Step, text: str) -> ImageBuildError | None:
    found = re.search(r"(?:load metadata for|FROM|exporting cache to registry) (?P<reference>[\w./:@-]+)", step.name)
    if not found:
        return None
    reference = found["reference"]
    if re.search(r": not found|manifest unknown", text):
        advice = "correct the base in the image's table, or name one with --base."
        if "@" in reference:
            advice = "`invoke image.pin --update` writes the digest that its tag stands for now; --base names another."
        return UnknownReferenceError(reference, advice=advice)
    return registry_failure(reference, step.error or text)


def _ended(text: str, step: _Step) -> str | None:
    if "internal] " in step.name or not step.name:
        return None
    if text == "CACHED":
        return f"  =  {_short(step.name)}: cached"
    if (done := _DONE.fullmatch(text)) and float(done["seconds"]) >= 0.1:
        return f"  ok {_short(step.name)}: {float(done['seconds']):.1f} s"
    return None


def _short(name: str) -> str:
    """The name without the options of RUN, which hide the command."""
    plain = re.sub(r" --(?:mount|link|from|chown)\S*| SOURCE_DATE_EPOCH=\S+", "", name)
    plain = re.sub(" {2,}", " ", plain)
    return plain if len(plain) <= _SHOWN_WIDTH else plain[: _SHOWN_WIDTH - 1] + "…"
