"""The outputs of an infrastructure stack: bucket, region, prefixes and roles, from JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_share.errors import DataShareError, FailedError
from terminal import unknown_name_text

# Roles that workflows assume; a user has no profile for them.
_WORKFLOW_ROLES = ("ci-",)
# Roles of the stack that belong to no project. The one for emergencies gets a profile only if it is named.
_STACK_ROLES, _EMERGENCY_ROLE = ("admin", "break-glass"), "break-glass"


@dataclass(frozen=True, kw_only=True)
class StackOutputs:
    """The outputs of a stack that a remote needs.

    Attributes:
        source: Where they come from, for errors.
        prefixes: Prefix of the bucket by project, ending in a slash.
        roles: ARNs by `PROJECT/KIND`; `admin` and `break-glass` belong to no project.
    """

    source: str
    bucket: str
    region: str
    prefixes: Mapping[str, str]
    roles: Mapping[str, str]

    def project(self, name: str | None = None) -> str:
        """The project with that name, or the only one.

        Raises:
            DataShareError: No project has that name, or none is named and there are several.
        """
        if name is None and len(self.prefixes) == 1:
            return next(iter(self.prefixes))
        if name is None:
            known = ", ".join(sorted(self.prefixes))
            raise _invalid(self.source, f"has several projects; name one of {known} with --project")
        if name not in self.prefixes:
            raise _invalid(self.source, unknown_name_text("project", name, self.prefixes))
        return name

    def url(self, project: str) -> str:
        """The URL of the project's DVC remote."""
        return f"s3://{self.bucket}/{self.prefixes[project].strip('/')}"

    def user_roles(self, project: str, names: Sequence[str] = ()) -> dict[str, str]:
        """ARNs of the roles that users may assume in a project; only the named ones, if any are named.

        Args:
            names: `contributor` and `traffic/contributor` mean the same role.

        Raises:
            DataShareError: A named role does not exist.
        """
        own = {key: arn for key, arn in self.roles.items() if key in _STACK_ROLES or key.startswith(f"{project}/")}
        known = {key: arn for key, arn in own.items() if not key.rpartition("/")[2].startswith(_WORKFLOW_ROLES)}
        if not names:
            return {key: arn for key, arn in known.items() if key != _EMERGENCY_ROLE}
        keys = [name if name in known else f"{project}/{name}" for name in names]
        for name, key in zip(names, keys, strict=True):
            if key not in known:
                raise _invalid(self.source, unknown_name_text("role", name, known))
        return {key: known[key] for key in dict.fromkeys(keys)}


def read_stack_outputs(text: str, *, source: str) -> StackOutputs:
    """Outputs from the JSON of `invoke infra.outputs --json`.

    Raises:
        DataShareError: The text is not JSON, or an output is missing or not valid.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise _invalid(source, f"is not JSON ({error})") from None
    if not isinstance(document, dict):
        raise _invalid(source, "is not a JSON object")
    outputs = StackOutputs(
        source=source,
        bucket=_text(document, "bucket", r"[a-z0-9][a-z0-9.-]+", source),
        region=_text(document, "region", r"[a-z0-9-]+", source),
        prefixes=_texts(document, "prefixes", r"[A-Za-z0-9._/-]+", source),
        roles=_texts(document, "roles", r"arn:aws[\w-]*:iam::\d{12}:role/[\w+=,.@/-]+", source),
    )
    if not outputs.prefixes:
        raise _invalid(source, "has no projects (`prefixes` is empty)")
    return outputs


def load_stack_outputs(file: Path) -> StackOutputs:
    """Outputs from a file with the JSON of `invoke infra.outputs --json`.

    Raises:
        FailedError: The file cannot be read.
        DataShareError: The file is not JSON, or an output is missing or not valid.
    """
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FailedError(f"{file} cannot be read: {error}") from None
    return read_stack_outputs(text, source=str(file))


def _text(document: Mapping[str, Any], key: str, form: str, source: str) -> str:
    if key not in document:
        raise _invalid(source, f"has no `{key}`; it has {', '.join(sorted(document)) or 'no key'}")
    return _checked(document[key], key, form, source)


def _texts(document: Mapping[str, Any], key: str, form: str, source: str) -> dict[str, str]:
    values = document.get(key)
    if not isinstance(values, dict):
        problem = f"has no `{key}`" if values is None else f"`{key}` is not a table"
        raise _invalid(source, f"{problem}; it has {', '.join(sorted(document)) or 'no key'}")
    return {name: _checked(value, f"{key}.{name}", form, source) for name, value in values.items()}


def _checked(value: object, key: str, form: str, source: str) -> str:
    # The values are written into settings files, where a line break or a bracket starts another setting.
    if isinstance(value, str) and re.fullmatch(form, value):
        return value
    raise _invalid(source, f"`{key}` is {value!r}, which is not valid")


def _invalid(source: str, problem: str) -> DataShareError:
    return DataShareError(f"{source}: {problem}")
