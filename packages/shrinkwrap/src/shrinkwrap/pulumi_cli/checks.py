"""What must be true before Pulumi can work on a stack; each failed check reports its fix."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from shrinkwrap.pulumi_cli.cli import PulumiCli, failure_text
from shrinkwrap.pulumi_cli.errors import PulumiError
from terminal import unknown_name_text

_PASSPHRASE: Final = "PULUMI_CONFIG_PASSPHRASE"  # pragma: allowlist secret
_PASSPHRASE_FILE: Final = "PULUMI_CONFIG_PASSPHRASE_FILE"  # pragma: allowlist secret
# CLIs of different ages word this differently.
_NOT_LOGGED_IN: Final = ("PULUMI_ACCESS_TOKEN must be set", "requires logging in")
# The shipped settings contain this where the user's own names belong.
_PLACEHOLDER: Final = re.compile(r"YOUR(?:-[A-Z]+)+")
_READ_IDS: Final = "gh api repos/OWNER/NAME --jq '{repository: .full_name, owner_id: .owner.id, repository_id: .id}'"
_LOG_IN: Final = """\
  One admin, state in a folder:  mkdir -p ~/.shrinkwrap-state && pulumi login file://$HOME/.shrinkwrap-state
  A team, state in a bucket:     pulumi login s3://BUCKET     (a private bucket, not the one with the data)
  For this terminal only:        export PULUMI_BACKEND_URL=file://$HOME/.shrinkwrap-state"""


def settings_file(root: Path, stack: str) -> Path:
    """Where the settings of a stack are, whether or not the file exists."""
    return root / "infra-pulumi" / f"Pulumi.{stack}.yaml"


def backend_url(cli: PulumiCli) -> str:
    """Where Pulumi stores the state of its stacks.

    Raises:
        PulumiError: Pulumi is not logged in, or cannot reach that place.
    """
    result = cli.query("whoami", "--json")
    if result.returncode == 0:
        return str(json.loads(result.stdout)["url"])
    if any(words in result.stderr for words in _NOT_LOGGED_IN):
        raise PulumiError(f"Pulumi is not logged in, so it cannot store the stack's state; fix: log in\n{_LOG_IN}")
    raise PulumiError(f"Pulumi cannot reach its state: {failure_text(result)}; fix: log in to another place\n{_LOG_IN}")


def check_stack(cli: PulumiCli, stack: str) -> None:
    """Check that the stack has a settings file and that Pulumi's state contains it.

    Raises:
        PulumiError: One of them is missing.
    """
    settings = settings_file(cli.root, stack)
    if not settings.is_file():
        with_settings = [
            file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in settings.parent.glob("Pulumi.*.yaml")
        ]
        raise PulumiError(
            f"{unknown_name_text('stack', stack, with_settings)}. infra-pulumi/{settings.name} does not exist;"
            f" to create a stack, start from a copy: cp infra-pulumi/Pulumi.dev.yaml infra-pulumi/{settings.name}"
        )
    result = cli.query("stack", "ls", "--json")
    if result.returncode != 0:
        raise PulumiError(f"Pulumi cannot list its stacks: {failure_text(result)}")
    in_state = [str(entry["name"]).rpartition("/")[2] for entry in json.loads(result.stdout)]
    if stack not in in_state:
        raise PulumiError(
            f"{unknown_name_text('stack', stack, in_state)}. It has settings, but the state that Pulumi is logged in to"
            f" does not contain it; to create it: pulumi stack init {stack} --cwd infra-pulumi"
        )


def check_passphrase(
    stack: str, url: str, environment: Mapping[str, str], settings: Path, *, can_prompt: bool = False
) -> None:
    """Check that the stack's secrets can be decrypted.

    Args:
        stack: Name of the stack.
        url: Where its state is.
        environment: The variables that Pulumi will see.
        settings: The settings file of the stack.
        can_prompt: Pulumi runs on a terminal, where it asks for a missing passphrase itself.

    Raises:
        PulumiError: The passphrase is missing, or its file does not exist.
    """
    has_own_provider = re.search(r"^secretsprovider: *(?!passphrase)\S", settings.read_text("utf-8"), re.MULTILINE)
    # Pulumi's hosted service encrypts secrets by itself.
    if has_own_provider or url.startswith(("https://", "http://")):
        return
    if (file := environment.get(_PASSPHRASE_FILE)) and not Path(file).expanduser().is_file():
        raise PulumiError(f"{_PASSPHRASE_FILE} is set to {file}, which is not a file")
    if not can_prompt and not {_PASSPHRASE, _PASSPHRASE_FILE} & set(environment):
        raise PulumiError(
            f"the secrets of stack '{stack}' are encrypted with a passphrase, but neither {_PASSPHRASE} nor"
            f" {_PASSPHRASE_FILE} is set; fix: write the passphrase to a file that only you can read, then"
            f" export {_PASSPHRASE_FILE}=FILE"
        )


def check_settings(settings: Path) -> None:
    """Check that no setting contains the placeholder of the shipped file.

    Raises:
        PulumiError: Some do; the message quotes each line.
    """
    lines = enumerate(settings.read_text("utf-8").splitlines(), 1)
    found = {number: (line, _PLACEHOLDER.findall(line.partition("#")[0])) for number, line in lines}
    placeholders = list(dict.fromkeys(name for _, names in found.values() for name in names))
    if placeholders:
        quoted = "".join(
            f"\n  infra-pulumi/{settings.name}:{number}: {line.strip()}"
            for number, (line, names) in found.items()
            if names
        )
        noun = "placeholder" if len(placeholders) == 1 else "placeholders"
        pronoun = "it" if len(placeholders) == 1 else "them"
        ids = any(name.endswith("-ID") for name in placeholders)
        raise PulumiError(
            f"these settings still contain the {noun} {', '.join(placeholders)}; fix: replace {pronoun} with your own"
            f" names (the comments in the file explain each setting){quoted}"
            + (f"\n  To read the ids of a repository: {_READ_IDS}" if ids else "")
        )
