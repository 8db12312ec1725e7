"""What DVC's records say is data: the outputs in `dvc.lock` and `*.dvc` files, as text from any commit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from data_share.errors import RecordError
from data_share.objects import FOLDER_SUFFIX, is_inside, is_oid

STAGES_FILE, LOCK_FILE, DVC_SUFFIX = "dvc.yaml", "dvc.lock", ".dvc"


@dataclass(frozen=True, kw_only=True)
class Output:
    """A file or folder that DVC tracks.

    Attributes:
        dataset: Name of the dataset; the path, for what no stage of a dataset made.
        path: Relative to the repository, with slashes.
        oid: Name of its object; that of a folder ends in `.dir`.
    """

    dataset: str
    path: str
    oid: str

    @property
    def is_folder(self) -> bool:
        return self.oid.endswith(FOLDER_SUFFIX)


def is_record(path: str) -> bool:
    """Whether outputs are recorded in a file of that path."""
    name = PurePosixPath(path).name
    return name == LOCK_FILE or (name.endswith(DVC_SUFFIX) and name != DVC_SUFFIX)


def dataset_of(stage: str) -> str:
    """The dataset that a stage makes; nothing, if it makes none."""
    base, _, name = stage.partition("@")
    return name if base == "compress" else ""


def recorded_outputs(texts: Mapping[str, str]) -> tuple[Output, ...]:
    """Outputs of the records, by their paths in the repository, that a remote should have.

    Args:
        texts: Records, and beside each `dvc.lock` its `dvc.yaml`, by path.

    Raises:
        RecordError: One cannot be read, was written by DVC 2, or has an output outside of the repository.
    """
    found: list[Output] = []
    for path in sorted(filter(is_record, texts)):
        try:
            found += _outputs(texts, path)
        except (AttributeError, KeyError, TypeError) as error:
            raise RecordError(path, f"is not as DVC writes it ({error})") from error
    return tuple(found)


def _outputs(texts: Mapping[str, str], path: str) -> Iterable[Output]:
    record = PurePosixPath(path)
    if record.name != LOCK_FILE:
        return _file_outputs(_mapping(texts[path], path), path)
    stages = str(record.parent / STAGES_FILE)
    return _lock_outputs(_mapping(texts[path], path), _mapping(texts.get(stages, ""), stages).get("stages") or {}, path)


def _lock_outputs(lock: Mapping[str, Any], stages: Mapping[str, Any], source: str) -> Iterable[Output]:
    for stage, record in (lock.get("stages") or {}).items():
        definition = stages.get(stage.partition("@")[0]) or {}
        definition = definition.get("do", definition)
        uncached = _uncached(definition)
        folder = PurePosixPath(source).parent / str(definition.get("wdir") or ".")
        for out in record.get("outs") or ():
            if out.get("cache") is False or any(pattern.fullmatch(out["path"]) for pattern in uncached):
                continue
            yield _output(out, folder, source, dataset_of(stage))


def _file_outputs(record: Mapping[str, Any], source: str) -> Iterable[Output]:
    if any("repo" in dependency for dependency in record.get("deps") or ()):
        return  # imported from another repository, whose remote has it
    for out in record.get("outs") or ():
        if out.get("cache") is not False and out.get("push") is not False:
            folder = PurePosixPath(source).parent / str(record.get("wdir") or ".")
            yield _output(out, folder, source, "")


def _output(out: Mapping[str, Any], folder: PurePosixPath, source: str, dataset: str) -> Output:
    path = _normal(folder / out["path"])
    if not is_inside(path):
        raise RecordError(source, f"the output {out['path']!r} is outside of the repository")
    oid = str(out.get("md5", ""))
    if out.get("hash") != "md5" or not is_oid(oid):
        raise RecordError(source, f"{path} is recorded in a form other than DVC 3's; record it anew with `dvc commit`")
    return Output(dataset=dataset or path, path=path, oid=oid)


def _normal(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        else:
            parts.append(part)
    return str(PurePosixPath(*parts))


def _uncached(definition: Mapping[str, Any]) -> list[re.Pattern[str]]:
    """Patterns of the outputs that are kept in git (`cache: false`): dvc.lock records them like any other."""
    patterns = []
    for kind in ("outs", "metrics", "plots"):
        for item in definition.get(kind) or ():
            if isinstance(item, dict):
                paths = (
                    path for path, flags in item.items() if isinstance(flags, dict) and flags.get("cache") is False
                )
                for path in paths:
                    fixed = re.split(r"\$\{[^}]*\}", path)
                    patterns.append(re.compile(".*".join(map(re.escape, fixed))))
    return patterns


def _mapping(text: str, source: str) -> Mapping[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        content = YAML(typ="safe").load(text) if text else {}
    except YAMLError as error:
        problem = str(error).splitlines()[0]
        raise RecordError(source, f"cannot be read: {problem}; is a merge conflict left in it?") from error
    if not isinstance(content, dict):
        raise RecordError(source, "is no record of DVC")
    return content
