"""Errors that only AWS returns: an expired session, a wrong clock, another region, a refused role.

A small HTTP server on 127.0.0.1 returns exactly the responses that AWS documents
(https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and the API reference of STS). It evaluates no
policy; the tests are about what becomes of each response.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from .conftest import CONTRIBUTOR

ARN = "arn:aws:sts::111122223333:assumed-role/shrinkwrap-dev-traffic-reader/ada"


@dataclass
class Reply:
    """The response to every request for a bucket.

    Attributes:
        ahead: How far the server's clock is ahead.
        listing: The response to a listing, if that is allowed.
        sts: The response of STS, if it refuses.
        assumed: How many sessions of a role were returned.
    """

    status: int = 403
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    ahead: timedelta = timedelta()
    listing: str = ""
    sts: str = ""
    assumed: int = 0


@pytest.fixture
def aws() -> Iterator[tuple[str, Reply]]:
    """The server's URL and its response; GetCallerIdentity always returns the ARN of one role."""
    reply = Reply()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            sent = self.rfile.read(length)
            status, body, headers = reply.status, reply.body, reply.headers
            if reply.listing and "list-type=2" in self.path:
                status, body, headers = 200, reply.listing, {}
            if b"GetCallerIdentity" in sent and reply.sts:
                status, body, headers = 403, reply.sts, {}
            elif b"AssumeRole" in sent:
                reply.assumed += not reply.sts
                status, body, headers = (403, reply.sts, {}) if reply.sts else (200, session(hours=1), {})
            elif b"GetCallerIdentity" in sent:
                result = f"<Arn>{ARN}</Arn><UserId>AROA:ada</UserId><Account>111122223333</Account>"
                xml = "https://sts.amazonaws.com/doc/2011-06-15/"
                inner = f"<GetCallerIdentityResult>{result}</GetCallerIdentityResult>"
                status, body, headers = (
                    200,
                    f'<GetCallerIdentityResponse xmlns="{xml}">{inner}</GetCallerIdentityResponse>',
                    {},
                )
            content = body.encode()
            self.send_response_only(status)
            self.send_header("Date", format_datetime(datetime.now(UTC) + reply.ahead, usegmt=True))
            for name, value in {
                "Content-Type": "application/xml",
                **headers,
                "Content-Length": str(len(content)),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content if self.command != "HEAD" else b"")

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = respond

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", reply
        server.shutdown()


def xml(code: str, message: str, more: str = "") -> str:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    error = f"<Code>{code}</Code><Message>{message}</Message>{more}"
    return f"{head}<Error>{error}<RequestId>4442587FB7D0A2F9</RequestId></Error>"


CASES = {
    "expired session": (
        Reply(status=400, body=xml("ExpiredToken", "The provided token has expired.")),
        "the session has expired",
        "assume the role again, and set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN",
    ),
    "clock skew": (
        Reply(
            body=xml(
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
                "<MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds>",
            ),
            ahead=timedelta(minutes=30),
        ),
        "this machine's clock is 30 minutes behind the server's",
        "`sudo timedatectl set-ntp true`",
    ),
    "wrong region, redirected": (
        Reply(
            status=301,
            body=xml(
                "PermanentRedirect",
                "The bucket you are attempting to access must be addressed using the specified endpoint.",
                "<Endpoint>s3.eu-central-1.amazonaws.com</Endpoint><Bucket>team</Bucket>",
            ),
            headers={"x-amz-bucket-region": "eu-central-1"},
        ),
        "the bucket is not in region us-east-1 but in eu-central-1",
        "--region eu-central-1 --replace`",
    ),
    "wrong region, signed for another": (
        Reply(
            status=400,
            body=xml(
                "AuthorizationHeaderMalformed",
                "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-3'",
                "<Region>eu-west-3</Region>",
            ),
        ),
        "the bucket is not in region us-east-1 but in eu-west-3",
        "--region eu-west-3 --replace`",
    ),
    "an encryption key that is not allowed": (
        Reply(
            body=xml(
                "AccessDenied",
                f"User: {ARN} is not authorized to perform: kms:GenerateDataKey on resource: "
                "arn:aws:kms:eu-central-1:111122223333:key/1 because no identity-based policy allows the"
                " kms:GenerateDataKey action",
            )
        ),
        "role shrinkwrap-dev-traffic-reader (account 111122223333)"
        " is not allowed to do kms:GenerateDataKey on bucket 'team'",
        "AWS_SESSION_TOKEN to a session of the role contributor",
    ),
    "a bucket policy's denial": (
        Reply(
            body=xml(
                "AccessDenied",
                f'User: {ARN} is not authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::team"'
                " with an explicit deny in a resource-based policy",
            )
        ),
        "is not allowed to do s3:ListBucket on bucket 'team': a resource-based policy forbids it",
        "AWS_SESSION_TOKEN to a session of the role reader",
    ),
    "a denial without words": (
        Reply(body=xml("AccessDenied", "Access Denied")),
        "role shrinkwrap-dev-traffic-reader (account 111122223333) is not allowed to do s3:ListBucket on bucket 'team'",
        "missing: s3:ListBucket",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_response_has_a_fix(case: str, aws: tuple[str, Reply], make_project: Callable[..., Any]) -> None:
    """push, check and doctor report the same identity, bucket, action and fix."""
    url, reply = aws
    response, problem, fix = CASES[case]
    reply.__dict__.update(response.__dict__)
    project = make_project(endpoint=url, url="s3://team/traffic")
    project.write("climate", {"a": b"1"})
    environment = {**CONTRIBUTOR.environment, "AWS_SESSION_TOKEN": "token", "AWS_ENDPOINT_URL_STS": url}
    for command in ("push", "check"):
        result = project.run(command, **environment)
        assert result.returncode == 1
        assert problem in result.stderr and fix in result.stderr and "Traceback" not in result.stderr
    result = project.run("doctor", "--json", **environment)
    assert result.returncode == 1
    steps = {step["name"]: step for step in json.loads(result.stdout)["steps"]}
    assert steps["who am I"]["text"] == f"role shrinkwrap-dev-traffic-reader (account 111122223333), {ARN}"
    assert steps["list"]["state"] == "failed"
    assert problem in steps["list"]["text"]
    facts = steps["list"]["facts"]
    assert (facts["as"], facts["bucket"]) == ("role shrinkwrap-dev-traffic-reader (account 111122223333)", "team")
    assert fix in facts["fix"] or fix == f"missing: {facts['missing']}"
    assert re.fullmatch(r"(s3|kms):\w+", facts.get("missing") or facts.get("tried", ""))


LISTING = """<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>team</Name><KeyCount>2</KeyCount>
<MaxKeys>10</MaxKeys><IsTruncated>false</IsTruncated>
<Contents><Key>traffic/files/md5/d4/1d8cd98f00b204e9800998ecf8427e</Key><Size>0</Size></Contents>
<Contents><Key>traffic/files/md5/ab/cdef0123456789abcdef0123456789</Key><Size>7</Size></Contents></ListBucketResult>"""


def test_the_doctor_uses_the_encryption_key(aws: tuple[str, Reply], make_project: Callable[..., Any]) -> None:
    """The doctor reads one byte of an object, because a role without kms:Decrypt can list."""
    url, reply = aws
    reply.listing = LISTING
    reply.body = xml("AccessDenied", f"User: {ARN} is not authorized to perform: kms:Decrypt on resource: key/1")
    project = make_project(endpoint=url, url="s3://team/traffic")
    environment = {**CONTRIBUTOR.environment, "AWS_SESSION_TOKEN": "token", "AWS_ENDPOINT_URL_STS": url}
    result = project.run("doctor", "--json", **environment)
    steps = {step["name"]: step for step in json.loads(result.stdout)["steps"]}
    assert (result.returncode, steps["list"]["state"], steps["get"]["state"]) == (1, "ok", "failed")
    assert (steps["get"]["facts"]["missing"], steps["get"]["facts"]["bucket"]) == ("kms:Decrypt", "team")


def test_an_expired_session_ends_the_doctor(aws: tuple[str, Reply], make_project: Callable[..., Any]) -> None:
    """If STS refuses the session, nothing else is tried, and the fix starts a new session."""
    url, reply = aws
    code = "<Code>ExpiredToken</Code><Message>The security token included in the request is expired</Message>"
    reply.sts = f"<ErrorResponse><Error><Type>Sender</Type>{code}</Error></ErrorResponse>"
    project = make_project(endpoint=url, url="s3://team/traffic")
    environment = {**CONTRIBUTOR.environment, "AWS_SESSION_TOKEN": "token", "AWS_ENDPOINT_URL_STS": url}
    result = project.run("doctor", **environment)
    assert (result.returncode, result.stderr) == (1, "")
    key = CONTRIBUTOR.environment["AWS_ACCESS_KEY_ID"][-4:]
    assert result.stdout.splitlines()[1:] == [
        "failed  who am I: the session has expired",
        f"        as: access key …{key}",
        "        bucket: team",
        "        tried: sts:GetCallerIdentity",
        f"        fix: {CASES['expired session'][2]}",
    ]


def test_a_profile_without_a_session(tmp_path: Path, make_project: Callable[..., Any]) -> None:
    """The error for an SSO profile without a session has the command that signs in."""
    (tmp_path / "config").write_text(
        "[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://127.0.0.1/start\n[profile sso]\n"
        "sso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Analysts\nregion = us-east-1\n"
    )
    project = make_project(endpoint="http://127.0.0.1:9", url="s3://team/traffic", more="    profile = sso\n")
    project.write("climate", {"a": b"1"})
    unsigned = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": ""}
    for command in ("push", "doctor"):
        result = project.run(command, **{**unsigned, "AWS_SECRET_ACCESS_KEY": ""})
        output = result.stdout + result.stderr
        assert result.returncode == 1
        assert "the session has expired, or was never started" in output and "`aws sso login --profile sso`" in output


def session(**lifetime: int) -> str:
    """The answer of STS to AssumeRole; the credentials in it end after `lifetime` (of timedelta) from now."""
    return f"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<AssumedRoleUser><Arn>{ARN}</Arn><AssumedRoleId>AROA:ada</AssumedRoleId></AssumedRoleUser>
<Credentials><AccessKeyId>ASIAQEXAMPLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
<Expiration>{(datetime.now(UTC) + timedelta(**lifetime)).isoformat()}</Expiration></Credentials>
</AssumeRoleResult></AssumeRoleResponse>"""


@pytest.fixture
def role_project(
    aws: tuple[str, Reply], tmp_path: Path, make_project: Callable[..., Any]
) -> tuple[Any, dict[str, str]]:
    """A project whose remote has a profile that assumes a role, and the environment of its user."""
    url, _ = aws
    (tmp_path / "config").write_text(
        "[profile me]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = s\n"  # pragma: allowlist secret
        "[profile role]\nrole_arn = arn:aws:iam::111122223333:role/shrinkwrap-dev-traffic-reader\n"
        "source_profile = me\nregion = us-east-1\n"
        "[profile mfa]\nrole_arn = arn:aws:iam::111122223333:role/shrinkwrap-dev-traffic-reader\n"
        "source_profile = me\nregion = us-east-1\nmfa_serial = arn:aws:iam::111122223333:mfa/ada\n"
    )
    project = make_project(endpoint=url, url="s3://team/traffic", more="    profile = role\n")
    project.write("climate", {"a": b"1"})
    files = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "HOME": str(tmp_path), "AWS_ENDPOINT_URL_STS": url}
    return project, {**files, "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}


def test_a_role_is_assumed_once(aws: tuple[str, Reply], role_project: tuple[Any, dict[str, str]]) -> None:
    """A session of a role is kept where the AWS CLI keeps it, so an MFA code is asked for once."""
    reply = aws[1]
    reply.status, reply.body, reply.listing = 404, xml("NoSuchKey", "no"), LISTING
    project, environment = role_project
    for _ in range(2):
        result = project.run("push", "--plan", "--up", "4Mbps", **environment)
        assert result.returncode == 0, result.stderr
    output = project.run("doctor", **environment).stdout
    assert re.search(r"^ok      session: ends in (1 h|[456]\d min), at ", output, re.MULTILINE), output
    assert reply.assumed == 1


def test_a_role_that_cannot_be_assumed(aws: tuple[str, Reply], role_project: tuple[Any, dict[str, str]]) -> None:
    """A refusal of STS is reported as one of the role, not of the bucket."""
    user = "arn:aws:iam::111122223333:user/shrinkwrap-dev-ada"
    message = f"User: {user} is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::1:role/x"
    aws[1].sts = f"<ErrorResponse><Error><Code>AccessDenied</Code><Message>{message}</Message></Error></ErrorResponse>"
    project, environment = role_project
    result = project.run("push", **environment)
    assert result.returncode == 1
    problem = "user shrinkwrap-dev-ada (account 111122223333) is not allowed to assume the role of the profile 'role'"
    assert f"error: {problem}\n" in result.stderr and "missing: sts:AssumeRole" in result.stderr


def test_a_code_without_a_terminal(role_project: tuple[Any, dict[str, str]]) -> None:
    """Without a terminal, a profile that needs an MFA code is an error without a traceback."""
    project, environment = role_project
    config = project.root / ".dvc/config"
    config.write_text(config.read_text().replace("profile = role", "profile = mfa"))
    command = [Path(sys.executable).with_name("shrinkwrap"), "data.push"]
    result = subprocess.run(
        command,
        cwd=project.root,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # Without a terminal, even if the tests have one.
    )
    assert result.returncode == 1
    assert "the profile 'mfa' needs a code of an MFA device, and without a terminal none can be typed" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_end_of_the_session(aws: tuple[str, Reply], make_project: Callable[..., Any]) -> None:
    """The doctor reports when the session ends, if the credentials contain that."""
    url, reply = aws
    reply.body = xml("AccessDenied", "Access Denied")
    project = make_project(endpoint=url)
    ends = (datetime.now(UTC) + timedelta(hours=2, minutes=1)).isoformat()
    environment = {**CONTRIBUTOR.environment, "AWS_CREDENTIAL_EXPIRATION": ends, "AWS_ENDPOINT_URL_STS": url}
    result = project.run("doctor", **environment)
    assert "session: ends in 2 h" in result.stdout
