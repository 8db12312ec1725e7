"""The differences between a capsule and a rerun, and their most likely cause."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from capsule_example import CAPSULE, frozen, picture, rerun_of, table, text

from notebook_run.capsule.record import CellRecord, DatasetRecord, EnvironmentRecord, Sources
from notebook_run.comparison.compare import Comparison, compare
from notebook_run.comparison.differences import NumberChange, NumbersDiffer, output_difference
from notebook_run.comparison.page import comparison_page
from notebook_run.comparison.text import comparison_text
from notebook_run.outputs.cell_outputs import CellOutputs

WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def changed(**changes: Any) -> Comparison:
    """A comparison with a rerun whose only output differs, and with these other inputs."""
    capsule, kept, _ = frozen(a=[text("mean 68.5\n")])
    return compare(capsule, kept, rerun_of(capsule, {"a": [text("mean 68.6\n")]}, **changes))


def test_a_rerun_with_the_same_outputs_is_equal() -> None:
    """The report is one line."""
    comparison = compare(*frozen(a=[text("1\n"), picture([WHITE])], b=[]))
    assert comparison.is_equal and comparison.culprit is None
    assert comparison_text(comparison) == "traffic-eda has the same results: 2 outputs equal\n"


def test_the_report_names_the_culprit_and_the_difference() -> None:
    """This is the complete report for a changed package."""
    comparison = changed(versions={"python": "3.13.1", "pandas": "3.2.0"})
    assert comparison_text(comparison) == (
        "traffic-eda has other results: 1 of 1 cell differs\n"
        "  Culprit: package pandas: 3.1.1 → 3.2.0\n"
        "\n"
        "Inputs that differ, the most likely cause first:\n"
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
        ({"data": {}}, "data climate (its table in data/datasets.toml) was removed"),
        ({"parameters": {"worst": 6}}, "parameter worst: 5 → 6"),
        ({"code": {}}, "shared code notebooks/lib/experiment/__init__.py was removed"),
        ({"versions": {**CAPSULE.versions, "numpy": "2.3"}}, "package numpy is new"),
        ({"image": OTHER_IMAGE}, "image fingerprint: 0123456789abcdef → ffffffffffffffff"),
        (
            {"image": replace(OTHER_IMAGE, base="other:1")},
            "image base: quay.io/jupyter/scipy-notebook:python-3.13 → other:1",
        ),
        ({"image": OTHER_IMAGE, "versions": {"python": "3.14", "pandas": "3.1.1"}}, "package python: 3.13.1 → 3.14"),
        ({"cells": (CellRecord(id="a", source="0" * 64, outputs=("stdout x",)),)}, "cell 1 (a) was changed"),
    ],
)
def test_the_only_input_that_differs_is_the_culprit(changes: dict[str, Any], sentence: str) -> None:
    """What follows from another difference does not count: a digest from a package, a part from its dataset."""
    culprit = changed(**changes).culprit
    assert culprit is not None and culprit.sentence == sentence


def test_of_several_inputs_that_differ_none_is_named() -> None:
    """The report lists them: edits of the user first, then data, then packages."""
    versions = {"python": "3.14", "pandas": "3.2.0"}
    comparison = changed(data=DATA, versions=versions, image=OTHER_IMAGE, parameters={"worst": 6})
    assert comparison.culprit is None
    assert comparison.advice == (
        "One of 4 changes is the culprit, or several are: parameter worst: 5 → 6; data climate/a.parquet was changed;"
        " package python: 3.13.1 → 3.14; and 1 more"
    )
    assert comparison_page(comparison).count("possible culprit") == 4
    assert comparison.facts()["culprit"] is None and len(comparison.facts()["suspects"]) == 4


def local(fingerprint: str = "0" * 16) -> dict[str, Any]:
    """What differs if the capsule is run locally."""
    return {"image": None, "environment": EnvironmentRecord(name="jupyter-notebook", fingerprint=fingerprint)}


def test_a_run_in_the_other_place_names_what_differs_there() -> None:
    """If no package differs, that is the place itself; images are not compared with environments."""
    assert [each.sentence for each in changed(**local()).inputs] == [
        "place of the run: a container of its image → a local environment"
    ]
    advice = changed(**local(), versions={"python": "3.14", "pandas": "3.1.1"}).advice
    assert advice == (
        "One of 2 changes is the culprit, or several are: package python: 3.13.1 → 3.14; place of the run: a container"
        " of its image → a local environment"
    )


def test_two_local_runs_are_compared_by_platform_and_fingerprint() -> None:
    """The fingerprint follows from the platform, so it is no culprit then. A capsule without a platform has none."""
    capsule, kept, _ = frozen(a=[text("1\n")])
    recorded = replace(capsule, **local(), platform="linux/x86_64")
    found = {**local("1" * 16), "platform": "darwin/arm64"}
    other = compare(recorded, kept, rerun_of(recorded, {"a": [text("2\n")]}, **found))
    assert other.advice == "Culprit: platform of the run: linux/x86_64 → darwin/arm64"
    assert [each.name for each in other.inputs] == ["of the run", "fingerprint"]
    old = compare(capsule, kept, rerun_of(capsule, {"a": [text("1\n")]}, platform="linux/x86_64"))
    assert old.inputs == ()


def test_the_report_of_a_local_run_names_its_environment() -> None:
    """The page has its fingerprint, where that of a run in a container has the image."""
    capsule, kept, _ = frozen(a=[text("1\n")])
    recorded = replace(capsule, **local(), platform="linux/x86_64")
    page = comparison_page(compare(recorded, kept, rerun_of(recorded, {"a": [text("1\n")]})))
    assert "environment <b>jupyter-notebook:env-0000000000000000</b>" in page
    assert "Same data, same environment, same code, same results." in page


def test_without_a_changed_input_there_is_no_culprit() -> None:
    """The notebook itself has other results in each run, and the report explains where to look."""
    comparison = changed()
    assert comparison.culprit is None
    assert comparison.advice.startswith("No input differs, so the notebook itself has other results in each run")


def test_a_cell_after_the_first_difference_is_not_the_culprit() -> None:
    """A cell cannot change the outputs of an earlier one."""
    capsule, kept, _ = frozen(a=[text("1\n")], b=[text("2\n")])
    rerun = rerun_of(capsule, {"a": [text("3\n")], "b": [text("2\n")]}, data=DATA)
    cells = (rerun.capsule.cells[0], replace(rerun.capsule.cells[1], source="0" * 64))
    comparison = compare(capsule, kept, replace(rerun, capsule=replace(rerun.capsule, cells=cells)))
    assert comparison.culprit and comparison.culprit.kind == "data"
    assert [(difference.kind, difference.is_after) for difference in comparison.inputs] == [
        ("data", False),
        ("cell", True),
    ]


def test_a_changed_input_without_a_changed_output_is_no_difference() -> None:
    """A change of a comment is listed, but the outputs are equal."""
    capsule, kept, _ = frozen(a=[text("1\n")])
    cells = (replace(capsule.cells[0], source="0" * 64),)
    rerun = rerun_of(replace(capsule, cells=cells), {"a": [text("1\n")]})
    sources = Sources(cells={"a": "show('A')"})
    comparison = compare(capsule, kept, rerun, sources=sources)
    assert comparison.is_equal and comparison.culprit is None
    assert comparison_text(comparison) == (
        "traffic-eda has the same results: 1 output equal\n\n"
        "Inputs that differ:\n  cell 1 (a) was changed\n    @@ -1 +1 @@\n    -show('A')\n    +show('a')\n"
    )


def test_tables_are_compared_cell_by_cell() -> None:
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
    """Numbers in different sentences cannot be compared."""
    comparison = compare(
        *frozen(a=[text("one\ntwo 2\n")])[:2],
        rerun_of(frozen(a=[text("one\ntwo 2\n")])[0], {"a": [text("one\nthree 3\n")]}),
    )
    assert "    -two 2\n    +three 3\n" in comparison_text(comparison)


def test_numbers_may_become_longer() -> None:
    """A column that moved because a number grew is no other difference."""
    capsule, kept, _ = frozen(a=[text("mean   9.5\nstd   1.00\n")])
    comparison = compare(capsule, kept, rerun_of(capsule, {"a": [text("mean  10.5\nstd   1.00\n")]}))
    assert 'line 1, after "mean": 9.5 → 10.5  +1 (+10.5 %)' in comparison_text(comparison)


def test_pixels_that_differ_are_counted() -> None:
    """The page shows both pictures and the pixels that differ."""
    capsule, kept, _ = frozen(a=[picture([WHITE, WHITE])])
    comparison = compare(capsule, kept, rerun_of(capsule, {"a": [picture([WHITE, BLACK])]}))
    assert "output 1, a picture: 1 of 2 pixels differ (50 %)" in comparison_text(comparison)
    assert comparison_page(comparison).count("data:image/png;base64,") == 3


def test_an_output_that_was_not_kept_is_compared_by_its_hash() -> None:
    """It was too large, or its file was not committed."""
    capsule, _, _ = frozen(a=[text("1\n")])
    comparison = compare(capsule, {}, rerun_of(capsule, {"a": [text("2\n")]}))
    assert "the hashes differ; the recorded output was not kept next to the capsule" in comparison_text(comparison)


def test_new_and_missing_outputs_are_differences() -> None:
    """Here, one cell has an output less, and another one more."""
    capsule, kept, _ = frozen(a=[text("1\n")], b=[])
    comparison = compare(capsule, kept, rerun_of(capsule, {"a": [], "b": [text("2\n")]}))
    report = comparison_text(comparison)
    assert "printed text is missing now" in report
    assert "printed text is new" in report


def test_a_volatile_cell_is_listed_and_not_compared() -> None:
    """Replacements are listed, too."""
    capsule, kept, _ = frozen(a=[text("took 1 s\n")], b=[text("at 0x…\n")])
    capsule = replace(capsule, cells=(replace(capsule.cells[0], is_volatile=True), capsule.cells[1]))
    rerun = rerun_of(capsule, {"a": [text("took 2 s\n")], "b": [text("at 0x…\n")]})
    outputs = {**rerun.outputs, "b": CellOutputs(outputs=rerun.outputs["b"].outputs, replaced={"memory address": 1})}
    comparison = compare(capsule, kept, replace(rerun, outputs=outputs))
    assert comparison.is_equal and comparison.compared == 1
    assert comparison_text(comparison).endswith(
        "Not compared, or only after replacements, because it differs from run to run:\n"
        "  cell 1 (a): tagged volatile\n  cell 2 (b): 1 × memory address\n"
    )


def test_a_cell_that_fails_is_a_difference_and_later_cells_are_not() -> None:
    """The report shows the failure once."""
    capsule, kept, _ = frozen(a=[text("1\n")], b=[text("2\n")], c=[text("3\n")])
    rerun = replace(rerun_of(capsule, {"a": [text("1\n")]}), failure="cell 2 failed", unreached=frozenset({"c"}))
    comparison = compare(capsule, kept, rerun)
    assert not comparison.is_equal
    assert [cell.id for cell in comparison.cells] == ["b"]
    assert comparison.verdict == "traffic-eda no longer runs to its end"
    assert "cell 2 failed" in comparison_page(comparison)


def test_a_cell_that_was_not_reached_is_not_the_culprit() -> None:
    """This also holds if the failed cell has no outputs, for example because of its time limit."""
    capsule, kept, _ = frozen(a=[], b=[text("2\n")])
    rerun = rerun_of(capsule, {"a": []}, data=DATA)
    cells = (rerun.capsule.cells[0], replace(rerun.capsule.cells[1], source="0" * 64))
    failed = replace(rerun, capsule=replace(rerun.capsule, cells=cells), failure="x", unreached=frozenset({"b"}))
    comparison = compare(capsule, kept, failed)
    assert comparison.cells == ()
    assert comparison.culprit and comparison.culprit.kind == "data"


def test_the_page_escapes_outputs_and_loads_no_other_file() -> None:
    """Outputs may contain markup."""
    capsule, kept, _ = frozen(a=[text("<script>1</script>\n")])
    page = comparison_page(compare(capsule, kept, rerun_of(capsule, {"a": [text("<script>2</script> x\n")]})))
    assert "&lt;script&gt;" in page and "<script>" not in page
    assert "http" not in page.replace('http-equiv="Content-Security-Policy"', "")


def test_json_has_everything_that_the_report_shows() -> None:
    """Culprit, cells and pictures have forms that JSON allows."""
    import json

    capsule, kept, _ = frozen(a=[picture([WHITE])])
    rerun = rerun_of(capsule, {"a": [picture([BLACK])]}, parameters={"worst": 6})
    facts = json.loads(json.dumps(compare(capsule, kept, rerun).facts()))
    assert facts["culprit"]["sentence"] == "parameter worst: 5 → 6"
    assert facts["cells"][0]["outputs"][0]["detail"]["changed"] == 1
