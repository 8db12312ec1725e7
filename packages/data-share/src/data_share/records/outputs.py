"""The one reader of DVC's records: outputs in `dvc.lock` and `*.dvc` files, from their text at any commit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath
from typing import Any

from data_share.errors import RecordError
from data_share.records.objects import is_inside, is_list, is_oid

STAGES_NAME, LOCK_NAME, RECORD_SUFFIX = "dvc.yaml", "dvc.lock", ".dvc"
# Where Shrinkwrap records its datasets.
STAGES_FILE, LOCK_FILE = f"data/{STAGES_NAME}", f"data/{LOCK_NAME}"


@dataclass(frozen=True, kw_only=True)
class RecordedOutput:
    """A file or folder that DVC tracks.

    Attributes:
        dataset: Name of the dataset; the path, if no stage of a dataset produces the output.
        path: Relative to the repository, with slashes.
        oid: Name of its object; that of a folder's list ends in `.dir`.
        size_bytes: Size of all its files; None if the record does not have it.
        files: Number of files in a folder; None for a file, and if the record does not have it.
    """

    dataset: str
    path: str
    oid: str
    size_bytes: int | None = None
    files: int | None = None

    @property
    def is_folder(self) -> bool:
        return is_list(self.oid)


def is_record(path: str) -> bool:
    """Whether a file with this path records outputs."""
    name = PurePosixPath(path).name
    return name == LOCK_NAME or (name.endswith(RECORD_SUFFIX) and name != RECORD_SUFFIX)


def dataset_of(stage: str) -> str:
    """The dataset that a stage produces; an empty text if it produces none."""
    base, _, name = stage.partition("@")
    return name if base == "compress" else ""


def lock_outputs(lock_text: str | None, stages_text: str = "") -> tuple[RecordedOutput, ...]:
    """The outputs in the text of `data/dvc.lock`; none if there is no text.

    Args:
        stages_text: Text of `data/dvc.yaml`. Without it, files that git keeps (`cache: false`) count as outputs, too.

    Raises:
        RecordError: A text cannot be read.
    """
    return recorded_outputs({LOCK_FILE: lock_text or "", STAGES_FILE: stages_text})


def stage_paths(lock_text: str, stage: str) -> tuple[str, ...]:
    """Every file and folder that `data/dvc.lock` records of a stage: dependencies, parameters and outputs.

    Returns:
        Paths relative to the repository; none if the stage is not recorded.

    Raises:
        RecordError: The text cannot be read.
    """
    try:
        record = (parsed_record(lock_text, LOCK_FILE).get("stages") or {}).get(stage) or {}
        items = [*(record.get("deps") or ()), *(record.get("outs") or ())]
        paths = [*(item["path"] for item in items), *(record.get("params") or ())]
    except (AttributeError, KeyError, TypeError) as error:
        raise RecordError(LOCK_FILE, f"is not a record that DVC writes ({error})") from error
    return tuple(_without_dots(PurePosixPath(LOCK_FILE).parent / path) for path in paths)


def recorded_outputs(texts: Mapping[str, str]) -> tuple[RecordedOutput, ...]:
    """The outputs that a remote should have, from the text of each record by its path in the repository.

    Args:
        texts: Records, and next to each `dvc.lock` its `dvc.yaml`.

    Raises:
        RecordError: A record cannot be read, was written by DVC 2, or has an output outside of the repository.
    """
    found: list[RecordedOutput] = []
    for path in sorted(filter(is_record, texts)):
        try:
            found += _outputs(texts, path)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise RecordError(path, f"is not a record that DVC writes ({error})") from error
    return tuple(found)


def _outputs(texts: Mapping[str, str], path: str) -> Iterable[RecordedOutput]:
    record = PurePosixPath(path)
    if record.name != LOCK_NAME:
        return _file_outputs(parsed_record(texts[path], path), path)
    stages_path = str(record.parent / STAGES_NAME)
    stages = parsed_record(texts.get(stages_path, ""), stages_path).get("stages") or {}
    return _lock_outputs(parsed_record(texts[path], path), stages, path)


def _lock_outputs(lock: Mapping[str, Any], stages: Mapping[str, Any], source: str) -> Iterable[RecordedOutput]:
    for stage, record in (lock.get("stages") or {}).items():
        definition = stages.get(stage.partition("@")[0])
        if stages and definition is None:
            # DVC leaves the record of a removed stage in dvc.lock, and neither pushes nor pulls its outputs.
            continue
        definition = (definition or {}).get("do", definition or {})
        uncached = _uncached_patterns(definition)
        folder = PurePosixPath(source).parent / (definition.get("wdir") or ".")
        for out in record.get("outs") or ():
            if _is_false(out.get("cache")) or any(pattern.fullmatch(out["path"]) for pattern in uncached):
                continue
            yield _output(out, folder, source, dataset_of(stage))


def _file_outputs(record: Mapping[str, Any], source: str) -> Iterable[RecordedOutput]:
    if any("repo" in dependency for dependency in record.get("deps") or ()):
        return  # Imported from another repository: the remote of that repository has it.
    for out in record.get("outs") or ():
        if not _is_false(out.get("cache")) and not _is_false(out.get("push")):
            folder = PurePosixPath(source).parent / (record.get("wdir") or ".")
            yield _output(out, folder, source, "")


def _output(out: Mapping[str, Any], folder: PurePosixPath, source: str, dataset: str) -> RecordedOutput:
    path = _without_dots(folder / out["path"])
    if not is_inside(path):
        raise RecordError(source, f"the output {out['path']!r} is outside of the repository")
    oid = out.get("md5", "")
    if out.get("hash") != "md5" or not is_oid(oid):
        raise RecordError(source, f"{path} is not recorded in the form of DVC 3; record it again with `dvc commit`")
    size, files = out.get("size"), out.get("nfiles")
    return RecordedOutput(
        dataset=dataset or path,
        path=path,
        oid=oid,
        size_bytes=int(size) if size else None,
        files=int(files) if files else None,
    )


def _without_dots(path: PurePosixPath) -> str:
    """The path without `..`, except for leading ones, which lead out of the repository."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        else:
            parts.append(part)
    return str(PurePosixPath(*parts))


def _uncached_patterns(definition: Mapping[str, Any]) -> list[re.Pattern[str]]:
    """Patterns of the outputs that git keeps (`cache: false`): dvc.lock records them like all others."""
    patterns = []
    for kind in ("outs", "metrics", "plots"):
        for item in definition.get(kind) or ():
            if isinstance(item, dict):
                paths = (
                    path for path, flags in item.items() if isinstance(flags, dict) and _is_false(flags.get("cache"))
                )
                for path in paths:
                    fixed_parts = re.split(r"\$\{[^}]*\}", path)
                    patterns.append(re.compile(".*".join(map(re.escape, fixed_parts))))
    return patterns


def _is_false(value: object) -> bool:
    return isinstance(value, str) and value.lower() == "false"


def parsed_record(text: str, source: str) -> Mapping[str, Any]:
    """The content of a file of DVC, with every scalar as a text.

    Raises:
        RecordError: The text cannot be read.
    """
    if not text:
        return {}
    import yaml

    try:
        content = yaml.load(text, Loader=_text_loader())
    except yaml.YAMLError as error:
        problem = str(error).splitlines()[0]
        raise RecordError(source, f"cannot be read: {problem}; does it still contain a merge conflict?") from error
    if not isinstance(content, dict):
        raise RecordError(source, "is not a record that DVC writes")
    return content


@cache
def _text_loader() -> Any:
    """A loader of YAML that leaves every scalar a text.

    DVC writes YAML 1.2, in which `on` is a path like any other; PyYAML reads YAML 1.1, in which it is true. The parser
    in C makes a large dvc.lock ten times faster to read.
    """
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    merge = ("tag:yaml.org,2002:merge", re.compile("<<"))
    return type("TextLoader", (base,), {"yaml_implicit_resolvers": {"<": [merge]}})
