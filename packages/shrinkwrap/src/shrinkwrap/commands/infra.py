"""Commands of the collection `infra`: the bucket with the data, and the roles that may access it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final, TypeAlias

from invoke import Collection

from shrinkwrap.command import Option, command
from shrinkwrap.options import Json
from shrinkwrap.root import find_root
from terminal import ShrinkwrapError, json_text, show

_DEFAULT_STACK: Final = "dev"
Stack: TypeAlias = Annotated[str, Option("the stack with the settings infra-pulumi/Pulumi.STACK.yaml")]


@command("infra.configure --outputs outputs.json --project traffic --role contributor")
def configure(
    *,
    stack: Annotated[
        str | None, Option("read the outputs of this stack with Pulumi", default_text=_DEFAULT_STACK)
    ] = None,
    outputs: Annotated[
        str | None,
        Option(
            "read them from this file instead, written by infra.outputs --json; - is standard input", metavar="FILE"
        ),
    ] = None,
    project: Annotated[
        str | None, Option("the project whose prefix of the bucket is used", default_text="the only project")
    ] = None,
    role: Annotated[
        list[str] | None,
        Option(
            "write a profile for this role, such as contributor; may be repeated",
            default_text="every role that users may assume",
        ),
    ] = None,
    profiles: Annotated[bool, Option("write the AWS profiles without asking")] = False,
    source_profile: Annotated[
        str | None, Option("the AWS profile whose credentials assume the role", metavar="PROFILE")
    ] = None,
    user: Annotated[
        str | None, Option("your IAM user, whose MFA device is used; not with an identity provider")
    ] = None,
    replace: Annotated[bool, Option("change a remote or profile that has the same name and other settings")] = False,
    json: Json = False,
) -> None:
    """Make the stack's bucket the DVC remote of this repository and, after asking, write an AWS profile per role.

    Neither contains a secret. All other AWS settings are kept.
    """
    from data_share import ConfigureRequest, configure_remote, configured_json, configured_text, read_stack_outputs

    root = find_root()
    text, source = _outputs_text(root, stack, outputs)
    request = ConfigureRequest(
        project=project,
        roles=tuple(role or ()),
        profiles=profiles,
        source_profile=source_profile,
        user=user,
        replace=replace,
    )
    configured = configure_remote(root, read_stack_outputs(text, source=source), request)
    show(json_text(configured_json(configured)) if json else configured_text(configured))


@command("infra.outputs --json", name="outputs")
def print_outputs(
    *,
    stack: Stack = _DEFAULT_STACK,
    show_secrets: Annotated[bool, Option("show secrets too, which are the first passwords")] = False,
    json: Json = False,
) -> int:
    """Print the outputs of a stack, which the rest of the project needs: bucket, region, prefixes, ARNs of roles.

    Redirected to a file, the JSON is what infra.configure --outputs reads.
    """
    from shrinkwrap import pulumi_cli

    return pulumi_cli.print_outputs(find_root(), stack, as_json=json, show_secrets=show_secrets)


@command("infra.preview --stack dev")
def preview(
    *,
    stack: Stack = _DEFAULT_STACK,
    plan: Annotated[
        str | None, Option("also write the changes to this file, for infra.up --plan", metavar="FILE")
    ] = None,
    json: Json = False,
) -> int:
    """Show what infra.up would change in the bucket, the roles and the users; change nothing.

    Reports what is missing (the Pulumi CLI, a login, a passphrase, the stack) and how to get it.
    """
    from shrinkwrap import pulumi_cli

    return pulumi_cli.preview_stack(find_root(), stack, as_json=json, plan=_path(plan))


@command("infra.up --stack dev")
def up(
    *,
    stack: Stack = _DEFAULT_STACK,
    plan: Annotated[
        str | None, Option("make exactly the changes in this file, written by infra.preview --plan", metavar="FILE")
    ] = None,
    yes: Annotated[bool, Option("do not ask for confirmation")] = False,
) -> int:
    """Make the bucket, the roles and the users match the settings, after asking for confirmation."""
    from shrinkwrap import pulumi_cli

    return pulumi_cli.up_stack(find_root(), stack, is_confirmed=yes, plan=_path(plan))


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def _outputs_text(root: Path, stack: str | None, outputs: str | None) -> tuple[str, str]:
    """The JSON of the outputs, and where it comes from."""
    if outputs is None:
        from shrinkwrap.pulumi_cli import read_outputs

        name = stack or _DEFAULT_STACK
        return read_outputs(root, name), f"the outputs of stack '{name}'"
    if stack is not None:
        raise ShrinkwrapError("--stack and --outputs exclude each other; pass one of them")
    if outputs == "-":
        return sys.stdin.read(), "standard input"
    try:
        return Path(outputs).read_text("utf-8"), outputs
    except OSError as error:
        raise ShrinkwrapError(f"cannot read --outputs {outputs}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ShrinkwrapError(f"cannot read --outputs {outputs}: it is not UTF-8 text") from None


collection = Collection("infra", configure, print_outputs, preview, up)
