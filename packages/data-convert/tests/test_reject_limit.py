"""The limit of rejects: a part with more of them fails, and the error says what to declare."""

from __future__ import annotations

from typing import Any

import pytest

from data_convert.errors import TooManyRejectsError
from data_convert.spec.dataset_spec import Dialect

INT32 = "is not an int32 (-2147483648 to 2147483647)"
SHAPE = (
    "    Check `delimiter` (now ',') and `quote` (now '\"') in `dialect`. If these lines are not rows, declare"
    " `comment`, `skip_lines` or `skip_repeated_header` there."
    ' If they are rows that lack empty cells at the end, or have too many, declare `ragged = "pad"`.'
)
QUOTES = (
    '    If quotes have no meaning in these files, declare `quote = ""` in `dialect`; if a character makes the quote'
    " behind it literal, declare that character as `escape`."
)


def _failure(lab: Any, text: str, **settings: Any) -> list[str]:
    lab.raw("a.csv", text)
    with pytest.raises(TooManyRejectsError) as caught:
        lab.convert(lab.spec(on_reject="keep", max_rejects=0.05, **settings))
    assert caught.value.exit_code == 1
    assert (lab.left(), lab.left_rejects()) == ([], [])
    return str(caught.value).splitlines()


def test_message_groups_the_reasons(lab: Any) -> None:
    """Each reason has its count, an example and what to declare; the largest comes first."""
    text = "id,kind\n1,oak\nx,elm\n2\nx,fir\n-,ash\n3,yew\n"
    assert _failure(lab, text) == [
        "trees: a.parquet: 4 of 6 rows (66.7%) do not fit the dataset's description, more than `max_rejects` = 0.05"
        " allows (nothing was written for this part):",
        f"  3 rows, such as a.csv:3: column 'id': 'x' {INT32}",
        "    If 'x', '-' means a missing value, add it to the `nulls` of 'id'; otherwise declare another type, such as"
        ' `type = "string"`.',
        "  1 row, such as a.csv:4: the row is too short: 1 cell where 2 are expected",
        SHAPE,
        "  Fix the rows or the description in data/datasets.toml. To keep this many rows in data/rejects/trees, set"
        " `max_rejects = 0.67` for trees.",
    ]


@pytest.mark.parametrize("text", ['1,"a" b\n', '1,"a\n'])
def test_quotes_without_meaning(lab: Any, text: str) -> None:
    """Where quotes do not enclose cells, the error proposes to declare none."""
    assert _failure(lab, "id,kind\n" + text)[2] == QUOTES


def test_bytes_of_another_encoding(lab: Any) -> None:
    """The reason itself proposes another encoding."""
    lines = _failure(lab, b"id,kind\n1,caf\xe9\n")
    assert lines[1].endswith("is it another one, such as cp1252? (`dialect.encoding`)")
    assert lines[2].startswith("  Fix")


def test_many_values_are_no_spellings_of_null(lab: Any) -> None:
    """More than five distinct values are not proposed as nulls."""
    lines = _failure(lab, "id,kind\n" + "".join(f"x{n},oak\n" for n in range(6)))
    assert lines[2] == "    If these values are right, declare another type, such as `type = \"string\"` (column 'id')."


def test_forms_of_dates(lab: Any) -> None:
    """Dates in another form are proposed as a format."""
    day = {"day": {"type": "date", "formats": ("%Y-%m-%d",)}}
    assert _failure(lab, "day\n01.02.2024\n", columns=day)[2] == (
        "    If '01.02.2024' means a missing value, add it to the `nulls` of 'day'; otherwise add their form to its"
        " `formats`."
    )


def test_many_reasons_are_counted(lab: Any) -> None:
    """Ten reasons are shown, and the others counted."""
    lines = _failure(lab, "id,kind\n" + "".join("1," + "," * n + "\n" for n in range(1, 14)))
    assert lines[-2] == "  3 rows for 3 other reasons"


@pytest.mark.parametrize(
    ("bad", "limit", "is_kept"), [(5, 0.05, True), (6, 0.05, False), (6, 0.06, True), (1, 0, False)]
)
def test_the_limit_is_a_share_of_all_rows(lab: Any, bad: int, limit: float, is_kept: bool) -> None:
    """A share equal to the limit is allowed; the default of a dataset is five of a hundred."""
    lab.raw("a.csv", "id,kind\n" + "x,elm\n" * bad + "1,oak\n" * (100 - bad))
    spec = lab.spec(on_reject="keep", max_rejects=limit)
    if is_kept:
        assert lab.convert(spec).rejects == bad
    else:
        with pytest.raises(TooManyRejectsError, match=rf"{bad} of 100 rows \({bad}\.0%\)"):
            lab.convert(spec)


def test_a_lower_limit_applies_to_finished_parts(lab: Any) -> None:
    """A finished part with more rejects than now allowed is not accepted; a higher limit writes nothing again."""
    lab.raw("a.csv", "id,kind\nx,elm\n1,oak\n")
    lab.convert(lab.spec(on_reject="keep", max_rejects=0.5))
    report = lab.convert(lab.spec(on_reject="keep", max_rejects=0.6))
    assert [part.is_converted for part in report.parts] == [False]
    with pytest.raises(TooManyRejectsError):
        lab.convert(lab.spec(on_reject="keep", max_rejects=0.4))


def test_rejected_rows_of_every_file_of_a_part_count(lab: Any) -> None:
    """The share is that of the part, not of one raw file."""
    lab.raw("2024-1.csv", "id,kind\nx,elm\n")
    lab.raw("2024-2.csv", "id,kind\n1,oak\n2,oak\n3,oak\n")
    spec = lab.spec(on_reject="keep", max_rejects=0.25, parts="{y}", pattern=r"(?P<y>\d{4})")
    assert lab.convert(spec).rejects == 1


def test_escape_character_at_the_end(lab: Any) -> None:
    """An escape character that escapes nothing may be a character like others."""
    lines = _failure(lab, "id,kind\n1,oak\\", dialect=Dialect(escape="\\"))
    assert lines[2] == "    If '\\\\' is a character like others, remove `escape` from `dialect`."
