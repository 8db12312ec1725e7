"""CSV in, Parquet out, nothing lost.

Names are imported when they are first used: DVC's stage, which converts, then loads nothing that inspects, verifies
or reports.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from data_convert.cluster.connection import check_scheduler
    from data_convert.conversion.conversion_report import ConversionReport, PartReport
    from data_convert.conversion.dataset_conversion import convert_dataset
    from data_convert.conversion.plan import ConversionPlan, PlannedPart, plan_conversion
    from data_convert.conversion_preview import datasets_with_raw_data, plan_conversions, plan_json, plan_text
    from data_convert.errors import DataConvertError
    from data_convert.inspection.dataset_inspection import inspect_dataset
    from data_convert.inspection.inspection_facts import Inspection
    from data_convert.inspection.inspection_table import inspection_table
    from data_convert.inspection.spec_text import write_table
    from data_convert.part_reader import read_parts
    from data_convert.place_listings import bucket_record, source_listing
    from data_convert.rejects_by_reason import rejects_report, rejects_text
    from data_convert.sizes.report_page import report_page
    from data_convert.sizes.size_report import DatasetSizes, SizeReport, size_report
    from data_convert.sizes.size_table import size_table
    from data_convert.spec.dataset_spec import ColumnSpec, DatasetSpec, Dialect, DroppedColumns
    from data_convert.spec.effort_setting import EffortName, set_effort
    from data_convert.spec.spec_file import load_specs, parse_specs, select_specs
    from data_convert.verification.dataset_check import VerifyReport, verify_datasets, verify_text

_MODULES: Final = {
    "ColumnSpec": "spec.dataset_spec",
    "ConversionPlan": "conversion.plan",
    "ConversionReport": "conversion.conversion_report",
    "DataConvertError": "errors",
    "DatasetSizes": "sizes.size_report",
    "DatasetSpec": "spec.dataset_spec",
    "Dialect": "spec.dataset_spec",
    "DroppedColumns": "spec.dataset_spec",
    "EffortName": "spec.effort_setting",
    "Inspection": "inspection.inspection_facts",
    "PartReport": "conversion.conversion_report",
    "PlannedPart": "conversion.plan",
    "SizeReport": "sizes.size_report",
    "VerifyReport": "verification.dataset_check",
    "bucket_record": "place_listings",
    "check_scheduler": "cluster.connection",
    "convert_dataset": "conversion.dataset_conversion",
    "datasets_with_raw_data": "conversion_preview",
    "finding_lines": "sizes.size_table",
    "inspect_dataset": "inspection.dataset_inspection",
    "inspection_table": "inspection.inspection_table",
    "load_specs": "spec.spec_file",
    "parse_specs": "spec.spec_file",
    "plan_conversion": "conversion.plan",
    "plan_conversions": "conversion_preview",
    "plan_json": "conversion_preview",
    "plan_text": "conversion_preview",
    "read_parts": "part_reader",
    "rejects_report": "rejects_by_reason",
    "rejects_text": "rejects_by_reason",
    "report_page": "sizes.report_page",
    "select_specs": "spec.spec_file",
    "set_effort": "spec.effort_setting",
    "size_report": "sizes.size_report",
    "size_table": "sizes.size_table",
    "source_listing": "place_listings",
    "verify_datasets": "verification.dataset_check",
    "verify_text": "verification.dataset_check",
    "write_table": "inspection.spec_text",
}

__all__ = [
    "ColumnSpec",
    "ConversionPlan",
    "ConversionReport",
    "DataConvertError",
    "DatasetSizes",
    "DatasetSpec",
    "Dialect",
    "DroppedColumns",
    "EffortName",
    "Inspection",
    "PartReport",
    "PlannedPart",
    "SizeReport",
    "VerifyReport",
    "bucket_record",
    "check_scheduler",
    "convert_dataset",
    "datasets_with_raw_data",
    "finding_lines",
    "inspect_dataset",
    "inspection_table",
    "load_specs",
    "parse_specs",
    "plan_conversion",
    "plan_conversions",
    "plan_json",
    "plan_text",
    "read_parts",
    "rejects_report",
    "rejects_text",
    "report_page",
    "select_specs",
    "set_effort",
    "size_report",
    "size_table",
    "source_listing",
    "verify_datasets",
    "verify_text",
    "write_table",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
