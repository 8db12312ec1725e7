"""What the infrastructure says of itself: bucket, region, prefixes and roles, as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data_share.errors import StackOutputsError, unknown_name

# Roles that workflows assume; nobody has a profile for them.
_WORKFLOWS = ("ci-",)


@dataclass(frozen=True, kw_only=True)
class StackOutputs:
    """The outputs of a stack that matter here.

    Attributes:
        source: Where they come from, for errors.
        prefixes: By project, with their slash.
        roles: ARNs by `PROJECT/KIND`; `admin` is of no project.
    """

    source: str
    bucket: str
    region: str
    prefixes: Mapping[str, str]
    roles: Mapping[str, str]

    def project(self, name: str | None = None) -> str:
        """The project of that name, or the only one.

        Raises:
            StackOutputsError: There is none of that name, or several and none was named.
        """
        if name is None and len(self.prefixes) == 1:
            return next(iter(self.prefixes))
        if name is None:
            there = ", ".join(sorted(self.prefixes))
            raise StackOutputsError(self.source, f"has several projects; name one of {there} with --project")
        if name not in self.prefixes:
            raise StackOutputsError(self.source, unknown_name("project", name, self.prefixes))
        return name

    def url(self, project: str) -> str:
        """Of the project's DVC remote."""
        return f"s3://{self.bucket}/{self.prefixes[project].strip('/')}"

    def people_roles(self, project: str, wanted: Sequence[str] = ()) -> dict[str, str]:
        """ARNs of the roles that people may have in a project; of these, the wanted ones if any are named.

        Args:
            wanted: `contributor` and `traffic/contributor` mean the same.

        Raises:
            StackOutputsError: One is not there.
        """
        own = {key: arn for key, arn in self.roles.items() if key == "admin" or key.startswith(f"{project}/")}
        there = {key: arn for key, arn in own.items() if not key.rpartition("/")[2].startswith(_WORKFLOWS)}
        if not wanted:
            return there
        keys = [name if name in there else f"{project}/{name}" for name in wanted]
        for name, key in zip(wanted, keys, strict=True):
            if key not in there:
                raise StackOutputsError(self.source, unknown_name("role", name, there))
        return {key: there[key] for key in dict.fromkeys(keys)}


def read_outputs(text: str, *, source: str) -> StackOutputs:
    """Outputs from the JSON of `invoke infra.outputs --json`.

    Raises:
        StackOutputsError: It is no JSON, or something is missing or of another form.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise StackOutputsError(source, f"is no JSON ({error})") from None
    if not isinstance(document, dict):
        raise StackOutputsError(source, "is no JSON object")
    outputs = StackOutputs(
        source=source,
        bucket=_text(document, "bucket", r"[a-z0-9][a-z0-9.-]+", source),
        region=_text(document, "region", r"[a-z0-9-]+", source),
        prefixes=_texts(document, "prefixes", r"[A-Za-z0-9._/-]+", source),
        roles=_texts(document, "roles", r"arn:aws[\w-]*:iam::\d{12}:role/[\w+=,.@/-]+", source),
    )
    if not outputs.prefixes:
        raise StackOutputsError(source, "has no projects (`prefixes` is empty)")
    return outputs


def _text(document: Mapping[str, Any], key: str, form: str, source: str) -> str:
    if key not in document:
        raise StackOutputsError(source, f"has no `{key}`; it has {', '.join(sorted(document)) or 'nothing'}")
    return _checked(document[key], key, form, source)


def _texts(document: Mapping[str, Any], key: str, form: str, source: str) -> dict[str, str]:
    values = document.get(key)
    if not isinstance(values, dict):
        problem = f"has no `{key}`" if values is None else f"`{key}` is no table"
        raise StackOutputsError(source, f"{problem}; it has {', '.join(sorted(document)) or 'nothing'}")
    return {name: _checked(value, f"{key}.{name}", form, source) for name, value in values.items()}


def _checked(value: object, key: str, form: str, source: str) -> str:
    # These become lines of settings files: a line break or a bracket in one would be another setting.
    if isinstance(value, str) and re.fullmatch(form, value):
        return value
    raise StackOutputsError(source, f"`{key}` is {value!r}, which cannot be")
