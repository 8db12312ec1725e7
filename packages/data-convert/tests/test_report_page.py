"""The size report as a page."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from data_convert.sizes.report_chart import TimeScale, column_bars
from data_convert.sizes.report_page import headline, report_page, square_grid, summary
from data_convert.sizes.size_report import DatasetSizes, SizeReport, UnconvertedDataset
from data_convert.sizes.transfer import DEFAULT_DOWN, DEFAULT_UP

VOID = {"meta", "link", "wbr"}


def _dataset(name: str, raw_bytes: int, parquet_bytes: int, columns: dict[str, int] | None = None) -> DatasetSizes:
    return DatasetSizes(
        name=name,
        title="Trees & <bushes>",
        parts=2,
        rows=1234,
        rejects=0,
        raw_bytes=raw_bytes,
        text_bytes=raw_bytes,
        parquet_bytes=parquet_bytes,
        columns=columns or {"HourlyDewPoint_flag": parquet_bytes - 1000},
        foreign_files=0,
    )


def _report(*datasets: DatasetSizes) -> SizeReport:
    pending = UnconvertedDataset(name="weather", commands=("invoke data.compress --dataset weather",))
    return SizeReport(datasets=datasets, unconverted=(pending,), up=DEFAULT_UP, down=DEFAULT_DOWN)


LARGE = _dataset("large", 400_000_000, 10_000_000)
SMALL = _dataset("small <script>alert('x')</script>", 100_000_000, 5_000_000)


class _Page(HTMLParser):
    """The elements of a page; fails where they are not nested."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], tuple[str | None, ...]]] = []
        self.text = ""
        self._open: list[tuple[str, str | None]] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes, tuple(kind for _, kind in self._open)))
        if tag not in VOID:
            self._open.append((tag, attributes.get("class")))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), tuple(kind for _, kind in self._open)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1][0] != "style":
            self.text += data

    def widths(self, chart: str, kind: str) -> list[float]:
        """Of the bars of a kind in the charts of a class, in percent."""
        bars = [a for tag, a, around in self.elements if tag == "rect" and chart in around and a["class"] == kind]
        return [float(str(bar["width"]).removesuffix("%")) for bar in bars]


def test_bars_are_as_long_as_their_bytes() -> None:
    """All size bars share one scale, on which the largest fills the chart."""
    page = _Page(report_page(_report(LARGE, SMALL)))
    assert page.widths("size-bars", "raw") == [100, 25]
    assert page.widths("size-bars", "parquet") == [2.5, 1.25]


def test_parquet_larger_than_raw_stays_inside_the_chart() -> None:
    """The longest bar is then that of the Parquet, and the page has the word larger."""
    tiny = _dataset("tiny", 1500, 3000)
    page = _Page(report_page(_report(tiny)))
    assert page.widths("size-bars", "raw") == [50]
    assert page.widths("size-bars", "parquet") == [100]
    assert summary(_report(tiny)).startswith("2.00 times larger. Sharing it takes 6")


def test_column_bars_are_as_long_as_their_bytes() -> None:
    """Each dataset's largest column fills its chart; the footers have a bar too."""
    page = _Page(report_page(_report(_dataset("one", 10_000, 1000, {"a": 600, "b": 300}))))
    assert page.widths("column-bar", "parquet") == [100, 50, 16.667]
    assert re.findall(r"[\d.]+%", page.text) == ["60.0%", "30.0%", "10.0%"]


def test_many_columns_share_a_bar() -> None:
    """Beyond the eighth they are shown together, and everything adds up to the Parquet."""
    bars = column_bars(_dataset("wide", 10_000, 1000, {f"c{n}": 100 - n for n in range(10)}))
    assert [bar.label for bar in bars] == [*(f"c{n}" for n in range(8)), "2 other columns", "footers"]
    assert sum(bar.size_bytes for bar in bars) == 1000
    assert [bar.is_column for bar in bars] == [True] * 8 + [False] * 2


def test_page_fetches_nothing() -> None:
    """No script, no address, nothing that a browser would load; its own policy forbids it too."""
    text = report_page(_report(LARGE, SMALL))
    page = _Page(text)
    assert not re.search(r"https?:|//|@import|url\(", text)
    assert {"script", "img", "iframe", "object"}.isdisjoint(tag for tag, _, _ in page.elements)
    assert [a["href"] for _, a, _ in page.elements if "href" in a] == ["data:,"]
    assert "src" not in {name for _, attributes, _ in page.elements for name in attributes}
    policies = [a["content"] for _, a, _ in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_names_are_escaped() -> None:
    """A dataset may be called anything."""
    text = report_page(_report(LARGE, SMALL))
    assert "<script" not in text
    assert "small <script>alert('x')</script>" in _Page(text).text
    assert "Trees & <bushes>" in _Page(text).text


def test_every_picture_has_a_title_and_a_description() -> None:
    """Each chart has a description for screen readers; decorative ones are hidden."""
    page = _Page(report_page(_report(LARGE, SMALL)))
    ids = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    pictures = [attributes for tag, attributes, _ in page.elements if tag == "svg"]
    named = [str(svg["aria-labelledby"]).split() for svg in pictures if svg.get("role") == "img"]
    assert len(named) == 1 + 2 + 2 * 3
    assert {name for names in named for name in names} <= set(ids)
    assert all(svg.get("aria-hidden") == "true" for svg in pictures if svg.get("role") != "img")


def test_same_report_gives_the_same_page() -> None:
    """Nothing depends on the moment."""
    assert report_page(_report(LARGE, SMALL)) == report_page(_report(LARGE, SMALL))


def test_page_opens_with_what_was_gained() -> None:
    """Sizes, ratio and upload time of all datasets together; numbers stay with their units."""
    report = _report(LARGE, SMALL)
    assert headline(report) == "500\xa0MB of raw CSV is 15.0\xa0MB of Parquet"
    assert summary(report) == "33.3 times smaller. Sharing it takes 30\xa0s instead of 16\xa0min."


def test_without_parquet_the_page_has_commands() -> None:
    """The page is valid without charts."""
    page = _Page(report_page(_report()))
    assert "Nothing is converted yet" in page.text
    assert "invoke data.compress --dataset weather" in page.text
    assert "svg" not in {tag for tag, _, _ in page.elements}


@pytest.mark.parametrize(("ratio", "squares"), [(1.9, 0), (2.0, 2), (35.9, 36), (36.0, 36), (1001.0, 0)])
def test_squares_count_how_often_the_parquet_fits(ratio: float, squares: int) -> None:
    """Their area is the ratio; where there would be too many or too few, there are none."""
    grid = square_grid(ratio)
    assert len(grid) == squares
    assert not grid or sum(square.width for square in grid) == pytest.approx(ratio)


def test_time_scale_is_logarithmic() -> None:
    """Ten times the time is the same step everywhere; names that would touch are left out."""
    scale = TimeScale(first_s=0.1, last_s=1000)
    assert [scale.percent(seconds) for seconds in (0.01, 0.1, 1, 10, 100, 1000)] == [0, 0, 25, 50, 75, 100]
    assert scale.ticks == [(0, "0.1 s"), (25, "1 s"), (50, "10 s"), (69.454, "1 min"), (94.454, "10 min")]
    assert [name for _, name in TimeScale(first_s=0.001, last_s=36000).ticks] == [
        "1 ms",
        "",
        "0.1 s",
        "",
        "10 s",
        "",
        "10 min",
        "",
        "10 h",
    ]
