"""Runs a command or Jupyter in an image, in the user's terminal."""

from __future__ import annotations

import secrets
import sys
import threading
import time
from pathlib import Path

from image_build.engine import OnLine, engine_failures
from image_build.engine.command import require_free_port, run_attached
from image_build.planning.build_plan import plan_local_image
from image_build.testing.image_test import JUPYTER_PORT, TIMEOUT_S, jupyter_status
from terminal import note


@engine_failures()
def run_image(
    root: Path,
    name: str,
    *,
    command: str | None = None,
    port: int = 8888,
    base: str | None = None,
    on_line: OnLine = note,
) -> int:
    """Run a shell command in a local image, or Jupyter if there is none; return its exit status.

    Args:
        port: Of 127.0.0.1, for Jupyter.

    Raises:
        NotBuiltError: The image is not local.
        ImageRequestError: The port cannot be used.
        ImageBuildError: No engine answers, or the `docker` command is missing.
    """
    reference = plan_local_image(root, name, base=base).images[-1].reference
    if command is not None:
        is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
        options = ["--interactive", *(["--tty"] if is_terminal else [])]
        return run_attached(reference, ["sh", "-c", command], options=options)
    require_free_port(port)
    return _run_jupyter(name, reference, port, on_line)


def _run_jupyter(name: str, reference: str, port: int, on_line: OnLine) -> int:
    address, token = f"http://127.0.0.1:{port}", secrets.token_hex(24)
    on_line(f"Jupyter is starting at {address}/lab?token={token}")
    threading.Thread(target=_report_start, args=(address, token, on_line), daemon=True).start()
    on_line("Stop it with Ctrl-C. It has no access to your files, and files written in it are lost when it stops.")
    try:
        # Without a terminal of its own: with one, Jupyter would ask for a confirmation of Ctrl-C.
        return run_attached(
            reference,
            [],
            options=["--publish", f"127.0.0.1:{port}:{JUPYTER_PORT}"],
            environment={"JUPYTER_TOKEN": token},
        )
    except KeyboardInterrupt:
        on_line(f"{name}: Jupyter has stopped and its container is removed")
        return 0


def _report_start(address: str, token: str, on_line: OnLine) -> None:
    """Print the URL again when Jupyter answers: Jupyter itself prints addresses inside the container."""
    deadline_s = time.monotonic() + TIMEOUT_S
    while jupyter_status(address, token) != 200:
        if time.monotonic() > deadline_s:
            on_line(f"\nJupyter does not answer at {address} yet; its output is above.\n")
            return
        time.sleep(0.5)
    on_line(f"\nJupyter is ready: {address}/lab?token={token}\n")
