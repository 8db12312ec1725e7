"""CSV in, Parquet out, nothing lost."""

from __future__ import annotations

from data_convert.convert import convert_dataset
from data_convert.errors import DataConvertError
from data_convert.plan import ConversionPlan, PlannedPart, plan_conversion
from data_convert.report import ConversionReport, PartReport
from data_convert.spec import ColumnSpec, DatasetSpec, Dialect, DroppedColumns
from data_convert.spec_file import load_specs, parse_specs

__all__ = [
    "ColumnSpec",
    "ConversionPlan",
    "ConversionReport",
    "DataConvertError",
    "DatasetSpec",
    "Dialect",
    "DroppedColumns",
    "PartReport",
    "PlannedPart",
    "convert_dataset",
    "load_specs",
    "parse_specs",
    "plan_conversion",
]
