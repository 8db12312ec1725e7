"""What AWS says when a session, a clock or a region is wrong: no other server says it, so it is said to us.

A small HTTP server on 127.0.0.1 answers exactly what AWS documents
(https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and the API reference of STS). It judges nothing:
what is tried is what becomes of the answer.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from .conftest import CONTRIBUTOR

ARN = "arn:aws:sts::111122223333:assumed-role/shrinkwrap-dev-traffic-reader/ada"


@dataclass
class Reply:
    """What the server says to every request for a bucket."""

    status: int = 403
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    ahead: timedelta = timedelta()


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
            if b"GetCallerIdentity" in sent:
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
        "use a profile with the role contributor",
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
        "use a profile with the role reader",
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


def test_when_the_session_ends(aws: tuple[str, Reply], make_project: Callable[..., Any]) -> None:
    """The doctor tells when the session ends, where the credentials say so."""
    url, reply = aws
    reply.body = xml("AccessDenied", "Access Denied")
    project = make_project(endpoint=url)
    ends = (datetime.now(UTC) + timedelta(hours=2, minutes=1)).isoformat()
    environment = {**CONTRIBUTOR.environment, "AWS_CREDENTIAL_EXPIRATION": ends, "AWS_ENDPOINT_URL_STS": url}
    answer = project.run("doctor", **environment)
    assert "session: ends in 2.0 h, at " in answer.stdout
