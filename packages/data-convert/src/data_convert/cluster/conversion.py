"""Converts the stale parts of a plan on a cluster."""

from __future__ import annotations

from pathlib import Path

from data_convert.cluster.cluster_run import ClusterRun
from data_convert.cluster.connection import connected
from data_convert.cluster.work_progress import WorkProgress
from data_convert.conversion.conversion_report import ConversionReport
from data_convert.conversion.dataset_conversion import convert_dataset
from data_convert.conversion.plan import ConversionPlan
from terminal import progress


def convert_on_cluster(plan: ConversionPlan, scheduler: str, *, data_folder: Path) -> ConversionReport:
    """Bring the parts of a plan up to date on the workers of a scheduler, and show the progress.

    Args:
        scheduler: See `connected`.
        data_folder: Folder of datasets.toml.

    Raises:
        DataConvertError: Wrong input or failed work; finished parts stay.
    """
    work = WorkProgress()
    with (
        connected(scheduler) as client,
        progress(plan.spec.name, sum(part.raw_bytes for part in plan.stale), details=work.details) as on_bytes,
    ):
        work.on_bytes, work.workers = on_bytes, lambda: len(client.scheduler_info(n_workers=-1)["workers"])
        run = ClusterRun(client=client, data_folder=data_folder, progress=work)
        return convert_dataset(plan.spec, data_folder=data_folder, plan=plan, run_parts=run.outcomes)
