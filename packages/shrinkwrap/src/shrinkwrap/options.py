"""Parameters that several commands share: type, help and completion, declared once."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from shrinkwrap.command import Option

Json: TypeAlias = Annotated[bool, Option("print one JSON document")]
Datasets: TypeAlias = Annotated[list[str] | None, Option("only this dataset; may be repeated", complete="dataset")]
Selections: TypeAlias = Annotated[
    list[str] | None,
    Option("only this dataset, or only its parts that match (NAME/GLOB); may be repeated", complete="dataset"),
]
ImageName: TypeAlias = Annotated[str, Option("an image of pyproject.toml", complete="image")]
NotebookName: TypeAlias = Annotated[str, Option("a notebook of pyproject.toml", complete="notebook")]
Base: TypeAlias = Annotated[
    str | None,
    Option(
        "base image of the builder stage and of the final stage", default_text="SHRINKWRAP_BASE, then pyproject.toml"
    ),
]
Remote: TypeAlias = Annotated[str | None, Option("a remote of .dvc/config", default_text="the default remote")]
