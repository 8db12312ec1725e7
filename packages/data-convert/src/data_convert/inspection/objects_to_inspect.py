"""Which objects of a bucket are inspected, and what to say where there are none."""

from __future__ import annotations

import glob
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from data_convert.errors import DataConvertError, NoRawDataError, nearest_hint
from data_convert.reading.sources import RAW_ENDINGS, Source, find_raw_files, is_raw_name
from data_convert.spec.dataset_spec import DatasetSpec
from data_convert.storage.object_listing import first_names, list_objects
from data_convert.storage.object_state import current_object
from s3_access import StoreError, bucket_address
from terminal import count_text

_SHOWN: Final = 8


@dataclass(frozen=True, kw_only=True)
class ObjectsToInspect:
    """The objects that an URL names.

    Attributes:
        where: The URL of their prefix.
        pattern: Glob below it that finds exactly them.
        remarks: What the user should know of their names.
    """

    where: str
    pattern: str
    sources: tuple[Source, ...]
    remarks: tuple[str, ...] = ()


def objects_to_inspect(url: str) -> ObjectsToInspect:
    """The object at an URL, or the raw files below it.

    Raises:
        DataConvertError: There are none.
        S3AccessError: The URL is wrong, or the server refuses.
    """
    where = bucket_address(url).url
    # Asking for an object first would be refused for a prefix, if the role may read only what is below it.
    if not url.endswith("/") and is_raw_name(PurePosixPath(where).name) and (found := _one_object(where)):
        return found
    if next(list_objects(where), None) is None:
        if not url.endswith("/") and (found := _one_object(where)):
            return found
        raise DataConvertError(f"{where} has no objects{_nearest_text(where)}")
    spec = DatasetSpec(name=PurePosixPath(where).name, source=where, output="", layout=())
    try:
        raw_files = find_raw_files(Path(), spec)
    except NoRawDataError as error:
        raise DataConvertError(
            f"{where}: no raw file found. Raw files end with {RAW_ENDINGS}.{_found(error)}"
        ) from None
    return ObjectsToInspect(
        where=where, pattern="**/*", sources=raw_files.sources, remarks=tuple(raw_files.remarks(spec))
    )


def _one_object(url: str) -> ObjectsToInspect | None:
    if (file := current_object(url)) is None:
        return None
    folder, _, name = url.rpartition("/")
    return ObjectsToInspect(where=folder, pattern=glob.escape(name), sources=(Source(file=file, name=name),))


def _found(error: NoRawDataError) -> str:
    if not error.others:
        return ""
    found = f" It has {count_text(len(error.others), 'other object')}, such as {error.others[0]}."
    return found + "".join(f" {hint}" for hint in error.hints[:_SHOWN])


def _nearest_text(url: str) -> str:
    """What there is next to an URL without objects, as far as the server lists it."""
    folder, _, name = url.rpartition("/")
    if not bucket_address(url).prefix:
        return "."
    siblings: list[str] = []
    with suppress(StoreError):
        siblings = first_names(folder)
    if not siblings:
        return "."
    more = " …" if len(siblings) > _SHOWN else ""
    return f"{nearest_hint(name, siblings) or '.'} {folder} has {', '.join(siblings[:_SHOWN])}{more}."
