"""Running the whole program without an engine, and keeping all that it asked for."""

from __future__ import annotations

import json
import runpy
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks, set_mocks
from pulumi.runtime.settings import set_root_resource
from pulumi.runtime.stack import run_in_stack
from pulumi.runtime.sync_await import _sync_await

from .example import ACCOUNT, KEY, REGION

PROGRAM = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Made:
    """A resource as the engine would have been asked for it.

    Attributes:
        kind: its type without the package, `s3/bucket:Bucket`.
        inputs: with the provider's own (camel case) names.
        parent: URN.
        after: URNs of what it depends on.
    """

    kind: str
    name: str
    inputs: dict[str, Any]
    parent: str
    provider: str
    is_protected: bool
    secret_outputs: list[str]
    ignored_changes: list[str]
    after: list[str]

    def policy(self, key: str = "policy") -> dict[str, Any]:
        document = json.loads(self.inputs[key])
        assert isinstance(document, dict)
        return document


@dataclass(kw_only=True)
class Recording:
    """All resources and outputs of one run."""

    resources: list[Made] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    secret_outputs: set[str] = field(default_factory=set)

    def all(self, kind: str) -> list[Made]:
        return [made for made in self.resources if made.kind == kind]

    def one(self, kind: str, name: str) -> Made:
        found = [made for made in self.all(kind) if made.name == name]
        assert len(found) == 1, (
            f"{len(found)} of {kind} {name!r}; there is {[(m.kind, m.name) for m in self.resources]}"
        )
        return found[0]

    def policies(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every policy document of the stack with the name of the resource it is part of."""
        for made in self.resources:
            for key in ("policy", "assumeRolePolicy"):
                if key in made.inputs:
                    yield f"{made.name}.{key}", made.policy(key)


def run_program(settings: dict[str, Any], *, stack: str = "test") -> Recording:
    """Run __main__.py as `pulumi up` would, with these settings."""
    recording = Recording()
    mocks = _Mocks()
    set_mocks(mocks, project="shrinkwrap", stack=stack, monitor=_RecordingMonitor(mocks, recording))
    # run_in_stack makes its own root; the one of set_mocks would not have the outputs.
    set_root_resource(None)  # type: ignore[arg-type]
    pulumi.runtime.set_all_config({"shrinkwrap:settings": json.dumps(settings)})
    _sync_await(run_in_stack(_run_main))
    return recording


def _run_main() -> None:
    runpy.run_path(str(PROGRAM), run_name="__main__")


class _Mocks(Mocks):
    """What AWS would answer, as far as the program looks at it."""

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AssertionError(f"the program asks AWS {args.token}; it should know")

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        answers = {
            "aws:kms/key:Key": {"arn": KEY, "keyId": KEY.rpartition("/")[2]},
            "aws:iam/userLoginProfile:UserLoginProfile": {
                "password": "first-password",  # pragma: allowlist secret
                "encryptedPassword": "wcBMA",  # pragma: allowlist secret
            },
        }
        arn = f"arn:aws:iam::{ACCOUNT}:{args.typ.rpartition(':')[2].lower()}/{args.inputs.get('name', args.name)}"
        if args.typ == "aws:iam/openIdConnectProvider:OpenIdConnectProvider":
            arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{args.inputs['url'].removeprefix('https://')}"
        return f"{args.name}-id", {"arn": arn, "region": REGION, **args.inputs, **answers.get(args.typ, {})}


class _RecordingMonitor(MockMonitor):
    """Pulumi's own mock monitor keeps neither options nor outputs."""

    def __init__(self, mocks: Mocks, recording: Recording) -> None:
        super().__init__(mocks)
        self._recording = recording

    def RegisterResource(self, request: Any) -> Any:
        if request.type != "pulumi:pulumi:Stack":
            made = Made(
                kind=request.type.removeprefix("aws:"),
                name=request.name,
                inputs=rpc.deserialize_properties(request.object),
                parent=request.parent,
                provider=request.provider,
                is_protected=request.protect,
                secret_outputs=list(request.additionalSecretOutputs),
                ignored_changes=list(request.ignoreChanges),
                after=list(request.dependencies),
            )
            self._recording.resources.append(made)
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]

    def RegisterResourceOutputs(self, request: Any) -> Any:
        if "::pulumi:pulumi:Stack::" in request.urn:
            kept = rpc.deserialize_properties(request.outputs, keep_unknowns=True)
            self._recording.secret_outputs |= {key for key, value in kept.items() if rpc.is_rpc_secret(value)}
            self._recording.outputs |= {key: rpc.unwrap_rpc_secret(value) for key, value in kept.items()}
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]
