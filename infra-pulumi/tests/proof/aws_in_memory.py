"""A cloud in memory behind Pulumi's provider protocol; to the real engine, it is the AWS provider.

It supports only the resource types of this stack. Like AWS, it refuses operations in the wrong order: a name that is
already used, a reference to a resource that does not exist, a trust policy with a user who does not exist.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc
from google.protobuf import json_format
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import plugin_pb2, provider_pb2
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer, add_ResourceProviderServicer_to_server

_T = TypeVar("_T")
Props = dict[str, Any]
# The engine's marker for a value that is known only after an update.
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class RefusedError(Exception):
    """AWS would respond to this operation with an error."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A type of resource.

    Attributes:
        id_from: The inputs that form its id.
        arn: The pattern of its ARN; None if it has no ARN.
        replaced_by: Inputs that cannot be changed in place, in addition to those that form the id.
        needs: For some inputs, the type of the existing resource that they must name.
    """

    id_from: tuple[str, ...]
    arn: str | None = None
    replaced_by: tuple[str, ...] = ()
    needs: Mapping[str, str] = field(default_factory=dict)


def _of_bucket(**more: str) -> Kind:
    return Kind(id_from=("bucket",), needs={"bucket": "aws:s3/bucket:Bucket", **more})


_ROLE, _USER = "aws:iam/role:Role", "aws:iam/user:User"
KINDS: dict[str, Kind] = {
    "aws:budgets/budget:Budget": Kind(id_from=("name",)),
    "aws:cloudtrail/trail:Trail": Kind(
        id_from=("name",),
        arn="arn:aws:cloudtrail:{region}:{account}:trail/{id}",
        needs={"s3BucketName": "aws:s3/bucketPolicy:BucketPolicy"},
    ),
    "aws:cloudwatch/eventRule:EventRule": Kind(id_from=("name",), arn="arn:aws:events:{region}:{account}:rule/{id}"),
    "aws:cloudwatch/eventTarget:EventTarget": Kind(
        id_from=("rule", "targetId"), needs={"rule": "aws:cloudwatch/eventRule:EventRule"}
    ),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": Kind(
        id_from=("url",), arn="arn:aws:iam::{account}:oidc-provider/{id}"
    ),
    "aws:iam/policy:Policy": Kind(id_from=("name",), arn="arn:aws:iam::{account}:policy/{id}"),
    _ROLE: Kind(id_from=("name",), arn="arn:aws:iam::{account}:role/{id}"),
    "aws:iam/rolePolicy:RolePolicy": Kind(id_from=("role", "name"), needs={"role": _ROLE}),
    _USER: Kind(id_from=("name",), arn="arn:aws:iam::{account}:user/{id}"),
    "aws:iam/userLoginProfile:UserLoginProfile": Kind(
        id_from=("user",), replaced_by=("passwordLength", "passwordResetRequired", "pgpKey"), needs={"user": _USER}
    ),
    "aws:iam/userPolicy:UserPolicy": Kind(id_from=("user", "name"), needs={"user": _USER}),
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": Kind(id_from=("user", "policyArn"), needs={"user": _USER}),
    "aws:kms/alias:Alias": Kind(id_from=("name",), needs={"targetKeyId": "aws:kms/key:Key"}),
    "aws:kms/key:Key": Kind(id_from=(), arn="arn:aws:kms:{region}:{account}:key/{id}"),
    "aws:s3/bucket:Bucket": Kind(id_from=("bucket",), arn="arn:aws:s3:::{id}", replaced_by=("objectLockEnabled",)),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _of_bucket(),
    "aws:s3/bucketLogging:BucketLogging": _of_bucket(targetBucket="aws:s3/bucketPolicy:BucketPolicy"),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": _of_bucket(),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _of_bucket(),
    "aws:s3/bucketPolicy:BucketPolicy": _of_bucket(),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _of_bucket(),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": _of_bucket(
        bucket="aws:s3/bucketVersioning:BucketVersioning"
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _of_bucket(),
    "aws:s3/bucketVersioning:BucketVersioning": _of_bucket(),
    "aws:sns/topic:Topic": Kind(id_from=("name",), arn="arn:aws:sns:{region}:{account}:{id}"),
    "aws:sns/topicPolicy:TopicPolicy": Kind(id_from=("arn",)),
    "aws:sns/topicSubscription:TopicSubscription": Kind(id_from=("topic", "protocol", "endpoint")),
}


@dataclass(kw_only=True)
class Cloud:
    """The resources by type and id: the inputs of the last create or update, and the computed outputs."""

    resources: dict[tuple[str, str], tuple[Props, Props]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    account: str = ""
    region: str = ""
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def create(self, kind: str, inputs: Props) -> tuple[str, Props]:
        """Create a resource.

        Raises:
            RefusedError: The name is already used, or a resource that the inputs name does not exist.
        """
        identity = self._identity(kind, inputs)
        if (kind, identity) in self.resources:
            raise RefusedError(f"EntityAlreadyExists: {kind} {identity}")
        self._check(kind, inputs)
        self.resources[kind, identity] = inputs, self._computed(kind, identity, inputs)
        return identity, self.state(kind, identity)

    def update(self, kind: str, identity: str, inputs: Props) -> Props:
        self._check(kind, inputs)
        self.resources[kind, identity] = inputs, self.resources[kind, identity][1]
        return self.state(kind, identity)

    def delete(self, kind: str, identity: str) -> None:
        del self.resources[kind, identity]

    def state(self, kind: str, identity: str) -> Props:
        inputs, computed = self.resources[kind, identity]
        return {**inputs, **computed}

    def names(self, kind: str) -> list[str]:
        return sorted(identity for known, identity in self.resources if known == kind)

    def _identity(self, kind: str, inputs: Props) -> str:
        if not KINDS[kind].id_from:
            return f"00000000-0000-0000-0000-{next(self.numbers):012}"
        return ":".join(str(inputs[key]).removeprefix("https://") for key in KINDS[kind].id_from)

    def _computed(self, kind: str, identity: str, inputs: Props) -> Props:
        computed: Props = {}
        if (form := KINDS[kind].arn) is not None:
            computed["arn"] = form.format(account=self.account, region=self.region, id=identity)
        if kind == "aws:kms/key:Key":
            computed["keyId"] = identity
        if kind == "aws:iam/userLoginProfile:UserLoginProfile":
            if inputs.get("pgpKey"):
                computed["encryptedPassword"] = f"wcBMA{next(self.numbers)}"
            else:
                computed["password"] = f"first-password-of-{identity}-{next(self.numbers)}"
        return computed

    def _check(self, kind: str, inputs: Props) -> None:
        for key, needed in KINDS[kind].needs.items():
            if (needed, inputs[key]) not in self.resources:
                raise RefusedError(f"NoSuchEntity: {key} of {kind} names {inputs[key]}, but no {needed} has that name")
        for statement in json.loads(inputs.get("assumeRolePolicy", "{}")).get("Statement", []):
            named = statement["Principal"].get("AWS", [])
            for arn in [named] if isinstance(named, str) else named:
                user = arn.rpartition(":user/")[2]
                if ":user/" in arn and (_USER, user) not in self.resources:
                    raise RefusedError(f"MalformedPolicyDocument: Invalid principal in policy: {arn}")


class Provider(ResourceProviderServicer):
    """Translates Pulumi's provider protocol into operations of the cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Any:
        return Empty()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version="7.51.1")

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        args = _props(request.args)
        accounts, region = args.get("allowedAccountIds", "[]"), args["region"]
        self._cloud.account = (json.loads(accounts) if isinstance(accounts, str) else accounts)[0]
        self._cloud.region = region
        return provider_pb2.ConfigureResponse(acceptSecrets=False, supportsPreview=True, acceptResources=False)

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        kind = _kind(request.urn)
        failures = []
        if kind not in KINDS:
            failures.append(provider_pb2.CheckFailure(property="", reason=f"this cloud does not support {kind}"))
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        old, new = _props(request.old_inputs), _props(request.news)
        changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        kind = KINDS[_kind(request.urn)]
        fixed = [key for key in changed if key in (*kind.id_from, *kind.replaced_by)]
        changes = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=changes, diffs=changed, replaces=fixed, deleteBeforeReplace=bool(fixed)
        )

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        inputs = _props(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(
                id="", properties=_struct(self._previewed_state(_kind(request.urn), inputs))
            )
        identity, state = self._do(context, "create", request.urn, lambda kind: self._cloud.create(kind, inputs))
        return provider_pb2.CreateResponse(id=identity, properties=_struct(state))

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        kind = _kind(request.urn)
        if (kind, request.id) not in self._cloud.resources:
            return provider_pb2.ReadResponse(id="")
        inputs = self._cloud.resources[kind, request.id][0]
        state = self._cloud.state(kind, request.id)
        return provider_pb2.ReadResponse(id=request.id, properties=_struct(state), inputs=_struct(inputs))

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        inputs = _props(request.news)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=_struct({**_props(request.olds), **inputs}))
        state = self._do(context, "update", request.urn, lambda kind: self._cloud.update(kind, request.id, inputs))
        return provider_pb2.UpdateResponse(properties=_struct(state))

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._do(context, "delete", request.urn, lambda kind: self._cloud.delete(kind, request.id))
        return Empty()

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        return Empty()

    def _do(self, context: grpc.ServicerContext, verb: str, urn: str, act: Callable[[str], _T]) -> _T:
        self._cloud.calls.append(f"{verb} {urn.rpartition('::')[2]}")
        try:
            return act(_kind(urn))
        except RefusedError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
            raise

    def _previewed_state(self, kind: str, inputs: Props) -> Props:
        """The state that the real provider returns in a preview: the inputs, and unknown computed values."""
        computed = {"arn": _UNKNOWN} if KINDS[kind].arn else {}
        if kind == "aws:kms/key:Key":
            computed["keyId"] = _UNKNOWN
        return {**inputs, **computed}


@contextmanager
def serve(cloud: Cloud) -> Iterator[int]:
    """Serve the cloud to the engine; yield the port on 127.0.0.1."""
    server = grpc.server(ThreadPoolExecutor(max_workers=8))
    add_ResourceProviderServicer_to_server(Provider(cloud), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(grace=None).wait()


def _kind(urn: str) -> str:
    """The type in a URN: `…::PARENT$TYPE::NAME`."""
    return urn.split("::")[2].rpartition("$")[2]


def _props(struct: Struct) -> Props:
    return dict(json_format.MessageToDict(struct))


def _struct(props: Props) -> Struct:
    return json_format.ParseDict(props, Struct())
