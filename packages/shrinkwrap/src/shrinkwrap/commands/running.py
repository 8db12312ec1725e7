"""The command `run`: everything up to date, from raw files to figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from shrinkwrap.command import Option, command
from shrinkwrap.commands.notebook import Docker, Local, interruptible, requested_place
from shrinkwrap.options import Json
from shrinkwrap.root import find_root
from terminal import EXIT_INTERRUPTED, ShrinkwrapError, json_text, nearest_name, note, show

if TYPE_CHECKING:
    from env_spec import NotebookSpec
    from notebook_run import PlaceName
    from shrinkwrap.dataset_outcomes import DatasetOutcome
    from shrinkwrap.notebook_stages import NotebookOutcome


@command("run climate speed-model --local")
def run(
    *,
    name: Annotated[
        list[str] | None,
        Option(
            "only this notebook, with the datasets that it reads, or only this dataset; --name may be omitted",
            complete="notebook or dataset",
        ),
    ] = None,
    local: Local = False,
    docker: Docker = False,
    force: Annotated[bool, Option("run the notebooks even if nothing has changed")] = False,
    compare: Annotated[
        str | None, Option("then show metrics and figures next to those of this commit", metavar="REV")
    ] = None,
    json: Json = False,
) -> int:
    """Bring datasets and results of notebooks up to date through DVC, and say what changed.

    Only what depends on a change runs: of raw files, a description, a notebook, notebooks/lib, parameters, or the lock.
    What fails stops only the notebooks that need it.
    """
    from shrinkwrap.dataset_outcomes import bring_datasets_up_to_date

    root = find_root()
    place = requested_place(local=local, docker=docker)
    notebooks, dataset_names = _selected(root, name or ())
    if compare and not notebooks:
        raise ShrinkwrapError("--compare shows results of notebooks, and no notebook is selected")
    with interruptible():
        datasets_code, datasets = bring_datasets_up_to_date(root, dataset_names, is_quiet=json)
        not_run = _not_run(notebooks, datasets, is_interrupted=datasets_code == EXIT_INTERRUPTED)
        runnable = [each for each in notebooks if each not in not_run]
        code, outcomes = _run_notebooks(root, runnable, place=place, force=force, is_quiet=json)
    by_name = {**not_run, **{outcome.name: outcome for outcome in outcomes}}
    ordered = [by_name[each] for each in notebooks]
    if not json:
        show(*(dataset.text for dataset in datasets), *(outcome.text for outcome in ordered))
    compared = _compared(root, list(notebooks), compare, is_json=json) if compare else None
    if json:
        facts = {"datasets": [each.facts() for each in datasets], "notebooks": [each.facts() for each in ordered]}
        show(json_text({**facts, **({"compared": compared} if compared is not None else {})}))
    return max(datasets_code, code)


def _selected(root: Path, names: Sequence[str]) -> tuple[Mapping[str, NotebookSpec], list[str]]:
    """The requested notebooks, and the requested datasets with those that the notebooks read; without names, all.

    A dataset whose output is in a bucket has no stage of DVC, so it is not among all.

    Raises:
        ShrinkwrapError: A name is unknown, or is that of a dataset whose output is in a bucket.
    """
    from dataset_spec import read_datasets
    from notebook_run import load_project

    notebooks, tables = load_project(root).notebooks, read_datasets(root)
    if unknown := [name for name in names if name not in notebooks and name not in tables]:
        raise ShrinkwrapError(_unknown_text(unknown, notebooks, tables))
    for name in names:
        if name not in notebooks and tables[name].is_output_in_bucket:
            raise ShrinkwrapError(
                f"{name}: its output is in a bucket, so DVC has no stage for it; convert it with"
                f" `invoke data.compress --dataset {name}`"
            )
    selected = {name: notebooks[name] for name in names if name in notebooks} if names else notebooks
    read = {dataset.name for notebook in selected.values() for dataset in notebook.datasets}
    needed = read.union(names) if names else set(tables)
    return selected, [name for name, table in tables.items() if name in needed and not table.is_output_in_bucket]


def _unknown_text(unknown: Sequence[str], notebooks: Mapping[str, Any], datasets: Mapping[str, Any]) -> str:
    lines = []
    for name in unknown:
        nearest = nearest_name(name, [*notebooks, *datasets])
        hint = f"; did you mean '{nearest}'?" if nearest else ""
        lines.append(f"'{name}' is neither a notebook nor a dataset{hint}")
    for plural, known in (("notebooks", notebooks), ("datasets", datasets)):
        lines.append(f"Known {plural}: {', '.join(sorted(known)) or 'none'}")
    return "\n  ".join(lines)


def _not_run(
    notebooks: Mapping[str, NotebookSpec], datasets: Sequence[DatasetOutcome], *, is_interrupted: bool
) -> dict[str, NotebookOutcome]:
    """The notebooks that cannot run: they read a dataset that failed, or the user interrupted the conversion."""
    from shrinkwrap.notebook_stages import NotebookOutcome

    failed = {outcome.name for outcome in datasets if outcome.state == "failed"}
    found = {}
    for name, notebook in notebooks.items():
        lacking = dict.fromkeys(dataset.name for dataset in notebook.datasets if dataset.name in failed)
        reasons = [f"the dataset {dataset} could not be converted" for dataset in lacking]
        if is_interrupted:
            reasons = ["the conversion of the datasets was interrupted"]
        if reasons:
            found[name] = NotebookOutcome(name=name, state="not run", reasons=tuple(reasons))
    return found


def _run_notebooks(
    root: Path, names: Sequence[str], *, place: PlaceName | None, force: bool, is_quiet: bool
) -> tuple[int, tuple[NotebookOutcome, ...]]:
    from shrinkwrap.notebook_stages import run_notebook_stages

    return run_notebook_stages(root, names, place=place, force=force, is_quiet=is_quiet)


def _compared(root: Path, names: Sequence[str], revision: str, *, is_json: bool) -> list[dict[str, Any]]:
    from notebook_run import compare_notebooks, comparison_lines, write_comparison

    compared = compare_notebooks(root, names, revision)
    page = write_comparison(root, compared, revision)
    if not is_json:
        show(*comparison_lines(compared, revision))
        note(f"{page.relative_to(root)} shows the figures side by side")
    return [notebook.facts() for notebook in compared]
