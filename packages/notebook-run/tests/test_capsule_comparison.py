"""What differs between a capsule and a rerun, and which input is to blame."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from capsule_example import CAPSULE, frozen, picture, rerun_of, table, text

from notebook_run.capsule import CellRecord, DatasetRecord, Sources
from notebook_run.comparison import Comparison, compare
from notebook_run.comparison_page import comparison_page
from notebook_run.comparison_text import comparison_text
from notebook_run.differences import NumberChange, NumbersDiffer, output_difference
from notebook_run.outputs import CellOutputs

WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def changed(**changes: Any) -> Comparison:
    """A comparison with a rerun whose one output differs, and these of its inputs."""
    capsule, kept, _ = frozen(a=[text("mean 68.5\n")])
    return compare(capsule, kept, rerun_of(capsule, {"a": [text("mean 68.6\n")]}, **changes))


def test_rerun_that_gives_the_same_is_equal() -> None:
    """It is said in one line."""
    comparison = compare(*frozen(a=[text("1\n"), picture([WHITE])], b=[]))
    assert comparison.is_equal and comparison.culprit is None
    assert comparison_text(comparison) == "traffic-eda gives the same: 2 outputs equal\n"


def test_report_names_culprit_and_difference() -> None:
    """The whole text, for a changed package."""
    comparison = changed(versions={"python": "3.13.1", "pandas": "3.2.0"})
    assert comparison_text(comparison) == (
        "traffic-eda gives something else: 1 of 1 cell differs\n"
        "  Culprit: package pandas: 3.1.1 → 3.2.0\n"
        "\n"
        "Inputs that differ, the likeliest culprit first:\n"
        "  package pandas: 3.1.1 → 3.2.0\n"
        "\n"
        "Cell 1 (a): show('a')\n"
        "  output 1, printed text: 1 value changed\n"
        '    line 1, after "mean": 68.5 → 68.6  +0.1 (+0.146 %)\n'
    )


DATA = {"climate": DatasetRecord(table="d" * 64, parts={"a.parquet": "9" * 32, "b.parquet": "2" * 32})}
OTHER_IMAGE = replace(CAPSULE.image, digest=f"sha256:{'b' * 64}", fingerprint="f" * 16)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"data": DATA}, "data climate/a.parquet was changed"),
        ({"data": {}}, "data climate (its table in data/datasets.toml) is gone"),
        ({"parameters": {"worst": 6}}, "parameter worst: 5 → 6"),
        ({"code": {}}, "shared code notebooks/lib/experiment/__init__.py is gone"),
        ({"versions": {**CAPSULE.versions, "numpy": "2.3"}}, "package numpy is new"),
        ({"image": OTHER_IMAGE}, "image fingerprint: 0123456789abcdef → ffffffffffffffff"),
        (
            {"image": replace(OTHER_IMAGE, base="other:1")},
            "image base: quay.io/jupyter/scipy-notebook:python-3.13 → other:1",
        ),
        ({"image": OTHER_IMAGE, "versions": {"python": "3.14", "pandas": "3.1.1"}}, "package python: 3.13.1 → 3.14"),
        ({"data": DATA, "versions": {"python": "3.14", "pandas": "3.1.1"}}, "data climate/a.parquet was changed"),
        ({"cells": (CellRecord(id="a", source="0" * 64, outputs=("stdout x",)),)}, "cell 1 (a) was changed"),
    ],
)
def test_culprit_is_the_likeliest_input_that_differs(changes: dict[str, Any], sentence: str) -> None:
    """People's edits come first, then data, then packages, and what follows from these last."""
    culprit = changed(**changes).culprit
    assert culprit is not None and culprit.sentence == sentence


def test_nobody_is_blamed_for_chance() -> None:
    """If no input differs, the notebook itself gives something else each time, and that is said."""
    comparison = changed()
    assert comparison.culprit is None
    assert comparison.blame.startswith("No input differs, so the notebook itself does not give the same twice")


def test_cell_after_the_first_difference_is_not_to_blame() -> None:
    """A cell cannot change what was put out before it."""
    capsule, kept, _ = frozen(a=[text("1\n")], b=[text("2\n")])
    rerun = rerun_of(capsule, {"a": [text("3\n")], "b": [text("2\n")]}, data=DATA)
    cells = (rerun.capsule.cells[0], replace(rerun.capsule.cells[1], source="0" * 64))
    comparison = compare(capsule, kept, replace(rerun, capsule=replace(rerun.capsule, cells=cells)))
    assert comparison.culprit and comparison.culprit.kind == "data"
    assert [(difference.kind, difference.is_after) for difference in comparison.inputs] == [
        ("data", False),
        ("cell", True),
    ]


def test_changed_input_that_changes_no_output_is_no_difference() -> None:
    """A comment in a cell, for one: it is told, and the verdict is that all is equal."""
    capsule, kept, _ = frozen(a=[text("1\n")])
    cells = (replace(capsule.cells[0], source="0" * 64),)
    rerun = rerun_of(replace(capsule, cells=cells), {"a": [text("1\n")]})
    sources = Sources(cells={"a": "show('A')"})
    comparison = compare(capsule, kept, rerun, sources=sources)
    assert comparison.is_equal and comparison.culprit is None
    assert comparison_text(comparison) == (
        "traffic-eda gives the same: 1 output equal\n\n"
        "Inputs that differ:\n  cell 1 (a) was changed\n    @@ -1 +1 @@\n    -show('A')\n    +show('a')\n"
    )


def test_table_is_compared_cell_by_cell() -> None:
    """Each change has the names of its row and column, and its size."""
    before = table(" speed flow", "Mon 61.5 1,200", "Tue 60 1,100")
    after = table(" speed flow", "Mon 61.75 1,200", "Tue 60 n/a")
    assert output_difference(before, after) == NumbersDiffer(
        changes=(
            NumberChange(place="Mon, speed", recorded="61.5", found="61.75", absolute=0.25, relative=0.25 / 61.5),
            NumberChange(place="Tue, flow", recorded="1,100", found="n/a"),
        )
    )


def test_text_that_differs_in_words_is_shown_as_lines() -> None:
    """Numbers of other sentences would say nothing."""
    comparison = compare(
        *frozen(a=[text("one\ntwo 2\n")])[:2],
        rerun_of(frozen(a=[text("one\ntwo 2\n")])[0], {"a": [text("one\nthree 3\n")]}),
    )
    assert "    -two 2\n    +three 3\n" in comparison_text(comparison)


def test_numbers_may_get_longer() -> None:
    """A column that moved because a number grew is still only that number."""
    capsule, kept, _ = frozen(a=[text("mean   9.5\nstd   1.00\n")])
    comparison = compare(capsule, kept, rerun_of(capsule, {"a": [text("mean  10.5\nstd   1.00\n")]}))
    assert 'line 1, after "mean": 9.5 → 10.5  +1 (+10.5 %)' in comparison_text(comparison)


def test_pixels_that_differ_are_counted() -> None:
    """The page shows both pictures and where they differ."""
    capsule, kept, _ = frozen(a=[picture([WHITE, WHITE])])
    comparison = compare(capsule, kept, rerun_of(capsule, {"a": [picture([WHITE, BLACK])]}))
    assert "output 1, a picture: 1 of 2 pixels differ (50 %)" in comparison_text(comparison)
    assert comparison_page(comparison).count("data:image/png;base64,") == 3


def test_output_that_was_not_kept_is_told_by_its_hash() -> None:
    """A large one, or one whose file was not committed."""
    capsule, _, _ = frozen(a=[text("1\n")])
    comparison = compare(capsule, {}, rerun_of(capsule, {"a": [text("2\n")]}))
    assert "the hashes differ; the recorded output was not kept beside the capsule" in comparison_text(comparison)


def test_outputs_that_came_and_went_are_differences() -> None:
    """One more, and one less."""
    capsule, kept, _ = frozen(a=[text("1\n")], b=[])
    comparison = compare(capsule, kept, rerun_of(capsule, {"a": [], "b": [text("2\n")]}))
    told = comparison_text(comparison)
    assert "printed text is not there any more" in told
    assert "printed text is there that was not" in told


def test_volatile_cell_is_not_compared_and_is_listed() -> None:
    """Nor is what was replaced by a rule hidden."""
    capsule, kept, _ = frozen(a=[text("took 1 s\n")], b=[text("at 0x…\n")])
    capsule = replace(capsule, cells=(replace(capsule.cells[0], is_volatile=True), capsule.cells[1]))
    rerun = rerun_of(capsule, {"a": [text("took 2 s\n")], "b": [text("at 0x…\n")]})
    outputs = {**rerun.outputs, "b": CellOutputs(outputs=rerun.outputs["b"].outputs, normalised={"memory address": 1})}
    comparison = compare(capsule, kept, replace(rerun, outputs=outputs))
    assert comparison.is_equal and comparison.compared == 1
    assert comparison_text(comparison).endswith(
        "Not compared as it is, because it differs from run to run:\n"
        "  cell 1 (a): tagged volatile\n  cell 2 (b): 1 × memory address\n"
    )


def test_cell_that_fails_is_a_difference_and_what_is_behind_it_is_not() -> None:
    """The report says what ended the run, once."""
    capsule, kept, _ = frozen(a=[text("1\n")], b=[text("2\n")], c=[text("3\n")])
    rerun = replace(rerun_of(capsule, {"a": [text("1\n")]}), failure="cell 2 failed", unreached=frozenset({"c"}))
    comparison = compare(capsule, kept, rerun)
    assert not comparison.is_equal
    assert [cell.id for cell in comparison.cells] == ["b"]
    assert comparison.verdict == "traffic-eda does not run to its end any more"
    assert "cell 2 failed" in comparison_page(comparison)


def test_cell_that_was_not_reached_is_not_to_blame() -> None:
    """Where the one that failed put out nothing that could differ, as one that was stopped at its time limit."""
    capsule, kept, _ = frozen(a=[], b=[text("2\n")])
    rerun = rerun_of(capsule, {"a": []}, data=DATA)
    cells = (rerun.capsule.cells[0], replace(rerun.capsule.cells[1], source="0" * 64))
    failed = replace(rerun, capsule=replace(rerun.capsule, cells=cells), failure="x", unreached=frozenset({"b"}))
    comparison = compare(capsule, kept, failed)
    assert comparison.cells == ()
    assert comparison.culprit and comparison.culprit.kind == "data"


def test_page_escapes_what_it_shows_and_fetches_nothing() -> None:
    """Outputs are other people's text."""
    capsule, kept, _ = frozen(a=[text("<script>1</script>\n")])
    page = comparison_page(compare(capsule, kept, rerun_of(capsule, {"a": [text("<script>2</script> x\n")]})))
    assert "&lt;script&gt;" in page and "<script>" not in page
    assert "http" not in page.replace('http-equiv="Content-Security-Policy"', "")


def test_json_holds_all_that_the_report_shows() -> None:
    """Culprit, cells and pictures, in forms that JSON has."""
    import json

    capsule, kept, _ = frozen(a=[picture([WHITE])])
    rerun = rerun_of(capsule, {"a": [picture([BLACK])]}, parameters={"worst": 6})
    facts = json.loads(json.dumps(compare(capsule, kept, rerun).facts()))
    assert facts["culprit"]["sentence"] == "parameter worst: 5 → 6"
    assert facts["cells"][0]["outputs"][0]["detail"]["changed"] == 1
