"""The commands of the collection `infra`: which function each one calls, with which arguments."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest

import data_share
from data_share import ConfigureRequest
from shrinkwrap import pulumi_cli
from shrinkwrap.program import main
from shrinkwrap.pulumi_cli.errors import PulumiError

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("words", "function", "stack", "arguments"),
    [
        ("infra.preview", "preview_stack", "dev", {"as_json": False, "plan": None}),
        ("infra.preview --plan p.json", "preview_stack", "dev", {"as_json": False, "plan": Path("p.json")}),
        ("infra.preview --stack prod --json", "preview_stack", "prod", {"as_json": True, "plan": None}),
        ("infra.up", "up_stack", "dev", {"is_confirmed": False, "plan": None}),
        ("infra.up --plan p.json --yes", "up_stack", "dev", {"is_confirmed": True, "plan": Path("p.json")}),
        ("infra.up --yes", "up_stack", "dev", {"is_confirmed": True, "plan": None}),
        ("infra.outputs", "print_outputs", "dev", {"as_json": False, "show_secrets": False}),
        ("infra.outputs --show-secrets --json", "print_outputs", "dev", {"as_json": True, "show_secrets": True}),
    ],
)
def test_a_command_calls_exactly_this(
    monkeypatch: pytest.MonkeyPatch, words: str, function: str, stack: str, arguments: dict[str, object]
) -> None:
    """Each command is one call with the command's options, and its result is the exit code."""
    calls: list[tuple[Path, str, dict[str, object]]] = []

    def record(root: Path, stack: str, **arguments: object) -> int:
        calls.append((root, stack, arguments))
        return 1

    monkeypatch.setattr(pulumi_cli, function, record)
    assert main(words.split()) == 1
    assert calls == [(ROOT, stack, arguments)]


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Record what `configure_remote` is called with, and configure nothing."""
    calls: list[Any] = []

    def read_stack_outputs(text: str, *, source: str) -> tuple[str, str]:
        return text, source

    def configure_remote(root: Path, outputs: tuple[str, str], request: ConfigureRequest) -> str:
        calls.append((root, outputs, request))
        return "configured"

    monkeypatch.setattr(data_share, "read_stack_outputs", read_stack_outputs)
    monkeypatch.setattr(data_share, "configure_remote", configure_remote)
    monkeypatch.setattr(data_share, "configured_text", lambda configured: f"{configured}, as text")
    monkeypatch.setattr(data_share, "configured_json", lambda configured: {"is": configured})
    return calls


@pytest.mark.parametrize(
    ("words", "request_", "printed"),
    [
        (
            "--project traffic --role reader --role admin --source-profile sso",
            ConfigureRequest(project="traffic", roles=("reader", "admin"), source_profile="sso"),
            "configured, as text\n",
        ),
        (
            "--profiles --user ada --replace --json",
            ConfigureRequest(profiles=True, user="ada", replace=True),
            '{\n  "is": "configured"\n}\n',
        ),
    ],
)
def test_configure_passes_on_its_options(
    tmp_path: Path,
    configured: list[Any],
    capsys: pytest.CaptureFixture[str],
    words: str,
    request_: ConfigureRequest,
    printed: str,
) -> None:
    """The outputs come from the named file, and no process is started."""
    file = tmp_path / "o.json"
    file.write_text('{"bucket": "b"}')
    assert main(["infra.configure", "--outputs", str(file), *words.split()]) == 0
    assert configured == [(ROOT, ('{"bucket": "b"}', str(file)), request_)]
    assert capsys.readouterr().out == printed


def test_configure_reads_standard_input(configured: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The file `-` is standard input."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("{}"))
    assert main(["infra.configure", "--outputs", "-"]) == 0
    assert configured[0][1] == ("{}", "standard input")


@pytest.mark.parametrize(("words", "stack"), [([], "dev"), (["--stack", "prod"], "prod")])
def test_configure_reads_the_outputs_of_the_stack(
    configured: list[Any], monkeypatch: pytest.MonkeyPatch, words: list[str], stack: str
) -> None:
    """Without a file, the outputs are the stack's, read with Pulumi."""
    monkeypatch.setattr(pulumi_cli, "read_outputs", lambda root, stack: f"outputs of {stack} in {root}")
    assert main(["infra.configure", "--project", "traffic", *words]) == 0
    outputs = (f"outputs of {stack} in {ROOT}", f"the outputs of stack '{stack}'")
    assert configured == [(ROOT, outputs, ConfigureRequest(project="traffic"))]


def test_configure_stops_if_the_stack_has_no_outputs(
    configured: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code of the failed read is the command's, and nothing is configured."""

    def fail(root: Path, stack: str) -> str:
        raise PulumiError("not logged in")

    monkeypatch.setattr(pulumi_cli, "read_outputs", fail)
    assert main(["infra.configure"]) == 2
    assert capsys.readouterr().err == "error: not logged in\n"
    assert configured == []


def test_configure_accepts_a_stack_or_a_file(configured: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    """Both at once would be ambiguous."""
    assert main(["infra.configure", "--stack", "dev", "--outputs", "o.json"]) == 2
    assert capsys.readouterr().err == "error: --stack and --outputs exclude each other; pass one of them\n"
    assert configured == []


def test_a_missing_file_of_outputs_is_reported(configured: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the file."""
    assert main(["infra.configure", "--outputs", "/nowhere/o.json"]) == 2
    assert capsys.readouterr().err == "error: cannot read --outputs /nowhere/o.json: No such file or directory\n"
