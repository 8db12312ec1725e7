"""Every error of the package, written for the person who wants to run a notebook."""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable, Sequence


class NotebookRunError(Exception):
    """Base of every error this package raises on purpose."""

    exit_code = 1


class MissingPathError(NotebookRunError):
    """Something on this machine that a container would be given, and that is not there."""

    exit_code = 2

    def __init__(self, path: str, *, what: str, advice: str) -> None:
        self.path = path
        self.what = what
        super().__init__(f"{what} is not there: {path}. {advice}")


class MissingDataError(NotebookRunError):
    """A dataset, or parts of it, that a notebook reads and that is neither here nor could be pulled."""

    def __init__(self, notebook: str, missing: Sequence[str], *, because: str = "") -> None:
        self.notebook = notebook
        self.missing = tuple(missing)
        reason = f" ({because})" if because else ""
        super().__init__(
            f"{notebook} reads {', '.join(missing)}, which is not here{reason}. If the DVC remote has it, `invoke"
            " data.pull` gets it; from raw files, `invoke data.compress` makes it (sample files: `invoke data.sample`)."
        )


class UnknownDatasetError(NotebookRunError):
    """A dataset that data/datasets.toml does not describe."""

    exit_code = 2

    def __init__(self, name: str, *, known: Iterable[str], source: str) -> None:
        self.name = name
        self.known = tuple(known)
        super().__init__(
            f"{source} describes no dataset '{name}'{nearest(name, self.known)}"
            f" (there is {', '.join(self.known) or 'none'})"
        )


class DatasetsFileError(NotebookRunError):
    """data/datasets.toml cannot be read."""

    exit_code = 2

    def __init__(self, path: str, problem: str) -> None:
        self.path = path
        super().__init__(f"{path} {problem}")


class ParameterError(NotebookRunError):
    """A parameter that a notebook does not have, or a value that does not fit it."""

    exit_code = 2

    def __init__(self, notebook: str, problem: str) -> None:
        self.notebook = notebook
        super().__init__(f"{notebook}: {problem}")


class NoParametersCellError(NotebookRunError):
    """Parameters for a notebook without a place for them."""

    exit_code = 2

    def __init__(self, path: str, names: Iterable[str]) -> None:
        self.path = path
        super().__init__(
            f"{path} has no cell tagged `parameters`, so {', '.join(names)} would be overwritten or come too late. Tag"
            " the cell that assigns the defaults (JupyterLab: Property Inspector, Cell Tags)."
        )


class BadNotebookError(NotebookRunError):
    """A file that is not a notebook."""

    exit_code = 2

    def __init__(self, path: str, problem: str) -> None:
        self.path = path
        super().__init__(f"{path} is not a notebook that can be run: {problem}")


class NotebookExistsError(NotebookRunError):
    """A new notebook whose name or file is taken."""

    exit_code = 2

    def __init__(self, name: str, *, where: str) -> None:
        self.name = name
        super().__init__(f"there is a notebook {name} already ({where}). Choose another name.")


class NotebookNameError(NotebookRunError):
    """A name that no notebook can have."""

    exit_code = 2

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"'{name}' cannot name a notebook: use lower-case letters and digits, with '-' or '_' between them."
        )


class ProjectTableError(NotebookRunError):
    """A table that could not be added to pyproject.toml without breaking it."""

    exit_code = 2

    def __init__(self, problem: str) -> None:
        super().__init__(f"pyproject.toml was left as it is: {problem}")


class NoImageError(NotebookRunError):
    """The image is not on this machine."""

    exit_code = 2

    def __init__(self, reference: str) -> None:
        self.reference = reference
        super().__init__(f"the image {reference} is not here; `invoke image.build` makes it.")


class ImageUnusableError(NotebookRunError):
    """A container that could not even begin to run the notebook."""

    def __init__(self, reference: str, *, exit_code: int, last_lines: Sequence[str]) -> None:
        self.reference = reference
        self.status = exit_code
        lines = [f"nothing could be run in {reference} (it ended with {exit_code}):", *(f"  {x}" for x in last_lines)]
        super().__init__("\n".join(lines))


class CellFailedError(NotebookRunError):
    """A cell that raised an error; what was there until then is kept."""

    def __init__(self, where: str, *, line: int | None, traceback: str, kept: str) -> None:
        self.where = where
        self.line = line
        self.traceback = traceback
        at = f", line {line}" if line else ""
        lines = [f"{where}{at} failed:", *(f"  {x}".rstrip() for x in traceback.rstrip().splitlines())]
        if "No space left on device" in traceback:
            lines.append("The disk that it writes to is full: free some space there, and run it again.")
        super().__init__("\n".join([*lines, f"What ran until there: {kept}"]))


class CellTimeoutError(NotebookRunError):
    """A cell that ran longer than it may."""

    def __init__(self, where: str, *, timeout_s: int, notebook: str, kept: str) -> None:
        self.where = where
        self.timeout_s = timeout_s
        super().__init__(
            f"{where} ran longer than {timeout_s} s and was stopped. If it needs longer, raise the limit with --timeout"
            f" SECONDS, or with timeout_s in [tool.env-spec.notebooks.{notebook}].\nWhat ran until there: {kept}"
        )


class OutOfMemoryError(NotebookRunError):
    """The kernel, or all of the container, was ended for taking more memory than it may."""

    def __init__(self, where: str, *, notebook: str, limit: str | None, kept: str | None = None) -> None:
        self.where = where
        self.limit = limit
        had = f"its limit of {limit}" if limit else "the memory that Docker has on this machine"
        advice = f'raise memory = "…" in [tool.env-spec.notebooks.{notebook}]' if limit else "give Docker more"
        super().__init__(
            f"{where} took more memory than {had}, and the kernel was killed. Load fewer columns or parts at a time, or"
            f" {advice}." + (f"\nWhat ran until there: {kept}" if kept else "")
        )


class KernelDiedError(NotebookRunError):
    """The kernel ended for a reason of its own."""

    def __init__(self, where: str, *, last_lines: Sequence[str]) -> None:
        self.where = where
        said = ["Its last words:", *(f"  {line}" for line in last_lines)] if last_lines else []
        super().__init__("\n".join([f"the kernel died in {where}, and not for want of memory.", *said]))


class ResultsDiskFullError(NotebookRunError):
    """The folder for results takes no more."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        super().__init__(f"no space is left for results in {folder}. Free some on that disk, and run it again.")


class ResultsNotWrittenError(NotebookRunError):
    """The folder for results does not take what is written there."""

    exit_code = 2

    def __init__(self, folder: str, problem: str) -> None:
        self.folder = folder
        super().__init__(
            f"results cannot be written to {folder}: {problem}. It must be a folder that you may write to."
        )


class NotWrittenError(NotebookRunError):
    """A file of this package's own that could not be written."""

    def __init__(self, path: str, problem: OSError) -> None:
        self.path = path
        is_full = problem.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = " Free some (`docker system df`, `du -sh .dvc/cache`), and run it again." if is_full else ""
        super().__init__(f"{path} could not be written: {problem.strerror}. What was there is as it was.{advice}")


class RunGoingOnError(NotebookRunError):
    """Another run that writes its results to the same folder."""

    def __init__(self, notebook: str, folder: str) -> None:
        self.notebook = notebook
        self.folder = folder
        super().__init__(
            f"{notebook} is being run already, and its results go to {folder}. Wait for it, or end it with Ctrl-C."
        )


class PortBusyError(NotebookRunError):
    """A port that something else listens on."""

    exit_code = 2

    def __init__(self, port: int, *, owner: str | None = None) -> None:
        self.port = port
        who = owner or "another program"
        super().__init__(
            f"port {port} of 127.0.0.1 is taken by {who}. Choose another with --port, or leave it out: then the next"
            " free one from 8888 on is taken."
        )


class NoFreePortError(NotebookRunError):
    """All ports that would have been taken are busy."""

    def __init__(self, first: int, last: int) -> None:
        super().__init__(f"the ports {first} to {last} of 127.0.0.1 are all taken; name a free one with --port.")


class NoComposeError(NotebookRunError):
    """There is no docker compose v2."""

    def __init__(self) -> None:
        super().__init__(
            "`docker compose` does not work; it starts notebooks. Install the package docker-compose-plugin (Debian:"
            " docker-compose) beside Docker's command line."
        )


class TemplateError(NotebookRunError):
    """images/compose.yaml is not what it should be."""

    exit_code = 2

    def __init__(self, problem: str) -> None:
        super().__init__(f"images/compose.yaml {problem}")


class NotStartedError(NotebookRunError):
    """A notebook whose container was not up in time, or ended."""

    def __init__(self, notebook: str, problem: str, *, last_lines: Sequence[str]) -> None:
        self.notebook = notebook
        said = ["It said last:", *(f"  {line}" for line in last_lines)] if last_lines else []
        super().__init__("\n".join([f"{notebook} did not start: {problem}.", *said]))


class NotStoppedError(NotebookRunError):
    """A notebook whose container could not be stopped."""

    def __init__(self, notebook: str, *, last_lines: Sequence[str]) -> None:
        self.notebook = notebook
        super().__init__(
            "\n".join([f"{notebook} could not be stopped; compose says:", *(f"  {x}" for x in last_lines)])
        )


class NotRunningError(NotebookRunError):
    """A notebook that is not up, for a command that needs it up."""

    exit_code = 2

    def __init__(self, notebook: str, *, running: Iterable[str]) -> None:
        self.notebook = notebook
        super().__init__(
            f"{notebook} is not running; running: {', '.join(running) or 'none'}. Start it with"
            f" `invoke notebook.up {notebook}`."
        )


class SiblingFailedError(NotebookRunError):
    """A pull of data or the making of an image that failed and said why itself."""

    def __init__(self, what: str, exit_code: int) -> None:
        self.what = what
        self.exit_code = exit_code if exit_code in (1, 2, 130) else 1
        super().__init__(f"{what} failed (see above); nothing was started.")


class InterruptedRunError(NotebookRunError):
    """Ctrl-C, or a polite kill."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("interrupted. No container was left.")


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""
