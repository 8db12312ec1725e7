"""The findings of a block whose lines were counted from another line."""

from __future__ import annotations

from dataclasses import replace

from data_convert.conversion.source_tables import CheckedTable
from data_convert.expectations.part_check import BlockFindings
from data_convert.expectations.unique_values import with_lines_shifted


def with_shifted_lines(table: CheckedTable, lines: int) -> CheckedTable:
    """The same table, further down in its file."""
    if not lines:
        return table
    parsed = replace(
        table.parsed,
        rejects=[replace(reject, line=reject.line + lines) for reject in table.parsed.rejects],
        changed=[
            replace(found, examples=tuple(replace(value, line=value.line + lines) for value in found.examples))
            for found in table.parsed.changed
        ],
    )
    return CheckedTable(parsed=parsed, findings=_shifted_findings(table.findings, lines))


def _shifted_findings(findings: BlockFindings, lines: int) -> BlockFindings:
    violations = [
        replace(
            found,
            examples=tuple(
                example if example.line is None else replace(example, line=example.line + lines)
                for example in found.examples
            ),
        )
        for found in findings.violations
    ]
    prints = {column: with_lines_shifted(found, lines) for column, found in findings.prints.items()}
    return replace(findings, violations=violations, prints=prints)
