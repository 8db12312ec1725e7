"""Runs the complete program without an engine, and records every resource that it declares."""

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
class RecordedResource:
    """A resource as the program declared it.

    Attributes:
        kind: Its type without the package: `s3/bucket:Bucket`.
        inputs: The inputs by the provider's own names, which are in camel case.
        parent: URN of the parent.
        after: URNs of the resources that it depends on.
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
    """All resources and outputs that one run declared."""

    resources: list[RecordedResource] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    secret_outputs: set[str] = field(default_factory=set)

    def all(self, kind: str) -> list[RecordedResource]:
        return [resource for resource in self.resources if resource.kind == kind]

    def one(self, kind: str, name: str) -> RecordedResource:
        found = [resource for resource in self.all(kind) if resource.name == name]
        assert len(found) == 1, f"{len(found)} of {kind} {name!r} in {[(m.kind, m.name) for m in self.resources]}"
        return found[0]

    def policies(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every policy document of the stack, with the name of the resource that contains it."""
        for resource in self.resources:
            for key in ("policy", "assumeRolePolicy"):
                if key in resource.inputs:
                    yield f"{resource.name}.{key}", resource.policy(key)


def run_program(settings: dict[str, Any], *, stack: str = "test") -> Recording:
    """Run __main__.py as `pulumi up` would, with these settings."""
    recording = Recording()
    mocks = _Mocks(region=settings.get("region", REGION))
    set_mocks(mocks, project="shrinkwrap", stack=stack, monitor=_RecordingMonitor(mocks, recording))
    # `run_in_stack` creates its own root resource; with the one from `set_mocks`, outputs would be lost.
    set_root_resource(None)  # type: ignore[arg-type]
    pulumi.runtime.set_all_config({"shrinkwrap:settings": json.dumps(settings)})
    _sync_await(run_in_stack(_run_main))
    return recording


def _run_main() -> None:
    runpy.run_path(str(PROGRAM), run_name="__main__")


class _Mocks(Mocks):
    """The responses of AWS, as far as the program uses them."""

    def __init__(self, *, region: str) -> None:
        super().__init__()
        self._region = region

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AssertionError(f"the program calls {args.token}, but it should not need to query AWS")

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        key_arn = KEY.replace(REGION, self._region)
        computed = {
            "aws:kms/key:Key": {"arn": key_arn, "keyId": KEY.rpartition("/")[2]},
            "aws:iam/userLoginProfile:UserLoginProfile": {
                "password": "first-password",  # pragma: allowlist secret
                "encryptedPassword": "wcBMA",  # pragma: allowlist secret
            },
        }
        name = args.inputs.get("name", args.name)
        arn = f"arn:aws:iam::{ACCOUNT}:{args.typ.rpartition(':')[2].lower()}/{name}"
        regional = {"aws:cloudwatch/eventRule:EventRule": "events:{}:rule/", "aws:sns/topic:Topic": "sns:{}:"}
        if args.typ in regional:
            arn = f"arn:aws:{regional[args.typ].format(f'{self._region}:{ACCOUNT}')}{name}"
        if args.typ == "aws:iam/openIdConnectProvider:OpenIdConnectProvider":
            arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{args.inputs['url'].removeprefix('https://')}"
        outputs = {"arn": arn, "region": self._region, **args.inputs, **computed.get(args.typ, {})}
        outputs["arn"] = outputs["arn"].replace("arn:aws:", f"arn:{_partition(self._region)}:")
        return f"{args.name}-id", outputs


def _partition(region: str) -> str:
    """The partition, by the prefixes in AWS's documentation; the program has its own table."""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


class _RecordingMonitor(MockMonitor):
    """Records options and outputs, which Pulumi's own mock monitor does not."""

    def __init__(self, mocks: Mocks, recording: Recording) -> None:
        super().__init__(mocks)
        self._recording = recording

    def RegisterResource(self, request: Any) -> Any:
        if request.type != "pulumi:pulumi:Stack":
            resource = RecordedResource(
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
            self._recording.resources.append(resource)
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]

    def RegisterResourceOutputs(self, request: Any) -> Any:
        if "::pulumi:pulumi:Stack::" in request.urn:
            kept = rpc.deserialize_properties(request.outputs, keep_unknowns=True)
            self._recording.secret_outputs |= {key for key, value in kept.items() if rpc.is_rpc_secret(value)}
            self._recording.outputs |= {key: rpc.unwrap_rpc_secret(value) for key, value in kept.items()}
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]
