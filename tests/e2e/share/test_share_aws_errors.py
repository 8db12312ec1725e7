"""What AWS says when a session, a clock or a region is wrong: no other server says it, so it is said to us.

A small HTTP server on 127.0.0.1 answers exactly what AWS documents
(https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and the API reference of STS). It judges nothing:
what is tried is what becomes of the answer.
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
    """What the server says to every request for a bucket.

    Attributes:
        listing: What it says to a listing, if that is allowed.
        sts: What STS says, if it refuses.
        assumed: How often it gave a session of a role.
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
    """The server's URL, and what it says; to GetCallerIdentity it always gives one role's ARN."""
    reply = Reply()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            sent = self.rfile.read(length)
            status, body, headers = reply.status, reply.body, reply.headers
            if reply.listing and "list-type=2" in self.path:
                status, body, headers = 200, reply.listing, {}
            if b"GetCallerIdentity" in sent and reply.sts:
                status, body, headers = 403, reply.sts, {}
            elif b"AssumeRole" in sent:
                reply.assumed += not reply.sts
                status, body, headers = (403, reply.sts, {}) if reply.sts else (200, SESSION, {})
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

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", reply
        server.shutdown()


def xml(code: str, message: str, more: str = "") -> str:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    told = f"<Code>{code}</Code><Message>{message}</Message>{more}"
    return f"{head}<Error>{told}<RequestId>4442587FB7D0A2F9</RequestId></Error>"


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
    "a key that may not be used": (
        Reply(
            body=xml(
                "AccessDenied",
                f"User: {ARN} is not authorized to perform: kms:GenerateDataKey on resource: "
                "arn:aws:kms:eu-central-1:111122223333:key/1 because no identity-based policy allows the"
                " kms:GenerateDataKey action",
            )
        ),
        "role shrinkwrap-dev-traffic-reader (account 111122223333) may not do kms:GenerateDataKey on bucket 'team'",
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
        "may not do s3:ListBucket on bucket 'team': a resource-based policy forbids it",
        "AWS_SESSION_TOKEN to a session of the role reader",
    ),
    "a denial without words": (
        Reply(body=xml("AccessDenied", "Access Denied")),
        "role shrinkwrap-dev-traffic-reader (account 111122223333) may not do s3:ListBucket on bucket 'team'",
        "missing: s3:ListBucket",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_aws_says_becomes_what_to_do(case: str, aws: tuple[str, Reply], make_project: Callable[..., Any]) -> None:
    """Push, check and doctor say the same: who, where, which action, and the one thing that mends it."""
    url, reply = aws
    given, problem, mend = CASES[case]
    reply.__dict__.update(given.__dict__)
    project = make_project(endpoint=url, url="s3://team/traffic")
    project.write("climate", {"a": b"1"})
    environment = {**CONTRIBUTOR.environment, "AWS_SESSION_TOKEN": "token", "AWS_ENDPOINT_URL_STS": url}
    for command in ("push", "check"):
        answer = project.run(command, **environment)
        assert answer.returncode == 1
        assert problem in answer.stderr and mend in answer.stderr and "Traceback" not in answer.stderr
    answer = project.run("doctor", "--json", **environment)
    assert answer.returncode == 1
    steps = {step["name"]: step for step in json.loads(answer.stdout)["steps"]}
    assert steps["who am I"]["text"] == f"role shrinkwrap-dev-traffic-reader (account 111122223333), {ARN}"
    assert steps["list"]["state"] == "failed"
    assert problem in steps["list"]["text"]
    facts = steps["list"]["facts"]
    assert (facts["as"], facts["bucket"]) == ("role shrinkwrap-dev-traffic-reader (account 111122223333)", "team")
    assert mend in facts["to mend"] or mend == f"missing: {facts['missing']}"
    assert re.fullmatch(r"(s3|kms):\w+", facts.get("missing") or facts.get("tried", ""))


LISTING = """<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>team</Name><KeyCount>2</KeyCount>
<MaxKeys>10</MaxKeys><IsTruncated>false</IsTruncated>
<Contents><Key>traffic/files/md5/d4/1d8cd98f00b204e9800998ecf8427e</Key><Size>0</Size></Contents>
<Contents><Key>traffic/files/md5/ab/cdef0123456789abcdef0123456789</Key><Size>7</Size></Contents></ListBucketResult>"""


def test_a_key_that_may_not_decrypt_is_found(aws: tuple[str, Reply], make_project: Callable[..., Any]) -> None:
    """The doctor reads one byte of an object that is there: a role without kms:Decrypt could list and would be "ok"."""
    url, reply = aws
    reply.listing = LISTING
    reply.body = xml("AccessDenied", f"User: {ARN} is not authorized to perform: kms:Decrypt on resource: key/1")
    project = make_project(endpoint=url, url="s3://team/traffic")
    environment = {**CONTRIBUTOR.environment, "AWS_SESSION_TOKEN": "token", "AWS_ENDPOINT_URL_STS": url}
    answer = project.run("doctor", "--json", **environment)
    steps = {step["name"]: step for step in json.loads(answer.stdout)["steps"]}
    assert (answer.returncode, steps["list"]["state"], steps["get"]["state"]) == (1, "ok", "failed")
    assert (steps["get"]["facts"]["missing"], steps["get"]["facts"]["bucket"]) == ("kms:Decrypt", "team")


def test_an_expired_session_is_told_at_once(aws: tuple[str, Reply], make_project: Callable[..., Any]) -> None:
    """If STS itself refuses the session, nothing else is tried, and the command that gives a new one is told."""
    url, reply = aws
    code = "<Code>ExpiredToken</Code><Message>The security token included in the request is expired</Message>"
    reply.sts = f"<ErrorResponse><Error><Type>Sender</Type>{code}</Error></ErrorResponse>"
    project = make_project(endpoint=url, url="s3://team/traffic")
    environment = {**CONTRIBUTOR.environment, "AWS_SESSION_TOKEN": "token", "AWS_ENDPOINT_URL_STS": url}
    answer = project.run("doctor", **environment)
    assert (answer.returncode, answer.stderr) == (1, "")
    key = CONTRIBUTOR.environment["AWS_ACCESS_KEY_ID"][-4:]
    assert answer.stdout.splitlines()[1:] == [
        "failed  who am I: the session has expired",
        f"        as: access key …{key}",
        "        bucket: team",
        "        tried: sts:GetCallerIdentity",
        f"        to mend: {CASES['expired session'][2]}",
    ]


def test_a_profile_without_a_session(tmp_path: Path, make_project: Callable[..., Any]) -> None:
    """An SSO profile to which nobody signed in, or whose session ended, is told with the command that signs in."""
    (tmp_path / "config").write_text(
        "[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://127.0.0.1/start\n[profile sso]\n"
        "sso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Analysts\nregion = us-east-1\n"
    )
    project = make_project(endpoint="http://127.0.0.1:9", url="s3://team/traffic", more="    profile = sso\n")
    project.write("climate", {"a": b"1"})
    nobody = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": ""}
    for command in ("push", "doctor"):
        answer = project.run(command, **{**nobody, "AWS_SECRET_ACCESS_KEY": ""})
        said = answer.stdout + answer.stderr
        assert answer.returncode == 1
        assert "the session has expired, or there is none" in said and "`aws sso login --profile sso`" in said


SESSION = f"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<AssumedRoleUser><Arn>{ARN}</Arn><AssumedRoleId>AROA:ada</AssumedRoleId></AssumedRoleUser>
<Credentials><AccessKeyId>ASIAQEXAMPLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
<Expiration>{(datetime.now(UTC) + timedelta(hours=1)).isoformat()}</Expiration></Credentials>
</AssumeRoleResult></AssumeRoleResponse>"""


@pytest.fixture
def role_project(
    aws: tuple[str, Reply], tmp_path: Path, make_project: Callable[..., Any]
) -> tuple[Any, dict[str, str]]:
    """A project whose remote has a profile that assumes a role, and the environment of who uses it."""
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
    """A session of a profile's role is kept as the AWS CLI keeps it: a code of an MFA device is asked for once."""
    reply = aws[1]
    reply.status, reply.body, reply.listing = 404, xml("NoSuchKey", "no"), LISTING
    project, environment = role_project
    for _ in range(2):
        answer = project.run("push", "--plan", "--up", "4Mbps", **environment)
        assert answer.returncode == 0, answer.stderr
    said = project.run("doctor", **environment).stdout
    assert re.search(r"^ok      session: ends in (1\.0 h|[456]\d(\.\d)? min), at ", said, re.MULTILINE), said
    assert reply.assumed == 1


def test_a_role_that_may_not_be_assumed(aws: tuple[str, Reply], role_project: tuple[Any, dict[str, str]]) -> None:
    """STS's refusal is told as what it is, and not as one of the bucket."""
    user = "arn:aws:iam::111122223333:user/shrinkwrap-dev-ada"
    message = f"User: {user} is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::1:role/x"
    aws[1].sts = f"<ErrorResponse><Error><Code>AccessDenied</Code><Message>{message}</Message></Error></ErrorResponse>"
    project, environment = role_project
    answer = project.run("push", **environment)
    assert answer.returncode == 1
    told = "user shrinkwrap-dev-ada (account 111122223333) may not assume the role of the profile 'role'"
    assert f"error: {told}\n" in answer.stderr and "missing: sts:AssumeRole" in answer.stderr


def test_a_code_that_nobody_can_type(role_project: tuple[Any, dict[str, str]]) -> None:
    """A profile that asks for a code of an MFA device where there is no terminal ends with words, not a traceback."""
    project, environment = role_project
    config = project.root / ".dvc/config"
    config.write_text(config.read_text().replace("profile = role", "profile = mfa"))
    command = [sys.executable, "-m", "data_share", "push"]
    answer = subprocess.run(
        command,
        cwd=project.root,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # without a terminal even where the tests have one
    )
    assert answer.returncode == 1
    assert "the profile 'mfa' asks for a code of an MFA device, and nobody is here to type it" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_when_the_session_ends(aws: tuple[str, Reply], make_project: Callable[..., Any]) -> None:
    """The doctor tells when the session ends, where the credentials say so."""
    url, reply = aws
    reply.body = xml("AccessDenied", "Access Denied")
    project = make_project(endpoint=url)
    ends = (datetime.now(UTC) + timedelta(hours=2, minutes=1)).isoformat()
    environment = {**CONTRIBUTOR.environment, "AWS_CREDENTIAL_EXPIRATION": ends, "AWS_ENDPOINT_URL_STS": url}
    answer = project.run("doctor", **environment)
    assert "session: ends in 2.0 h, at " in answer.stdout
