"""A change of a policy shows as a table: who may now do what they could not, and the reverse."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from proof.verdict_changes import PROGRAM, changed_verdicts, changes_text
from proof.verdicts import missing_engine_reason

TABLE = """\
action resource context reader steward admin
s3:GetObject own tls + + -
s3:PutObject own tls - + -
s3:PutBucketPolicy bucket tls - - -
s3:ListBucket bucket prefix-own + + +
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "table.txt"
    file.write_text(TABLE)
    return file


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """Another version of the program, in which readers may put and stewards may not."""
    program = tmp_path / "before"
    shutil.copytree(PROGRAM / "shrinkwrap_infra", program / "shrinkwrap_infra")
    (program / "tests/proof").mkdir(parents=True)
    shutil.copy(PROGRAM / "tests/proof/example.py", program / "tests/proof/example.py")
    shutil.copy(PROGRAM / "__main__.py", program)
    policies = program / "shrinkwrap_infra/policies/role_policies.py"
    text = policies.read_text("utf-8")
    assert text.count('("contributor", "steward")') == 1
    policies.write_text(text.replace('("contributor", "steward")', '("contributor", "reader")'), "utf-8")
    return program


@pytest.mark.skipif(missing_engine_reason() is not None, reason=str(missing_engine_reason()))
def test_changed_verdicts_are_a_table(before: Path, table: Path) -> None:
    """Both directions are shown, and requests whose verdict is the same are not."""
    assert (
        changes_text(changed_verdicts(before, PROGRAM, table), count=12)
        == """\
**2 of 12 verdicts changed.** `verdicts.txt` explains the words.

### May now

| who | action | on | if |
| --- | --- | --- | --- |
| steward | `s3:PutObject` | own | tls |

### May no longer

| who | action | on | if |
| --- | --- | --- | --- |
| reader | `s3:PutObject` | own | tls |
"""
    )


@pytest.mark.skipif(missing_engine_reason() is not None, reason=str(missing_engine_reason()))
def test_a_version_with_other_settings_is_compared(before: Path, table: Path) -> None:
    """A version that refuses our example settings is evaluated with its own, where roles may be missing."""
    model = before / "shrinkwrap_infra/roles.py"
    model.write_text(model.read_text("utf-8").replace('("admin", "break-glass")', '("break-glass",)'), "utf-8")
    example = before / "tests/proof/example.py"
    example.write_text(
        example.read_text("utf-8").replace('["traffic/steward", "admin"]', '["traffic/steward"]'), "utf-8"
    )
    changes = changed_verdicts(before, PROGRAM, table)
    assert [(str(change.case), change.is_allowed) for change in changes] == [
        ("reader s3:PutObject own tls", False),
        ("steward s3:PutObject own tls", True),
        ("admin s3:ListBucket bucket prefix-own", True),
    ]


def test_no_change_is_a_sentence() -> None:
    """The pull request shows that the requests were compared."""
    assert changes_text([], count=3690) == "**No verdict changed.** 3,690 requests were compared.\n"
