"""The report's page in a real browser."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from data_convert.sizes.report_page import report_page
from data_convert.sizes.size_report import DatasetSizes, SizeReport, UnconvertedDataset
from data_convert.sizes.transfer import DEFAULT_DOWN, DEFAULT_UP

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
DARK, LIGHT = "--blink-settings=preferredColorScheme=0", "--blink-settings=preferredColorScheme=1"


@pytest.fixture(scope="module")
def browser() -> str:
    """A Chromium of this machine."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("there is no Chromium: apt-get install chromium, or brew install --cask chromium")
    return found


@pytest.fixture(scope="module")
def page() -> str:
    """A report whose names and figures are as long as they may get."""

    def dataset(name: str, raw_bytes: int, parquet_bytes: int) -> DatasetSizes:
        columns = {f"HourlyDryBulbTemperature_{n}_measurement_flag": parquet_bytes // 40 for n in range(30)}
        return DatasetSizes(
            name=name,
            title="Hourly and daily weather at airports, and what was logged of the freeways beside them",
            parts=1234,
            rows=3_412_000_111,
            rejects=123_456,
            raw_bytes=raw_bytes,
            text_bytes=12 * raw_bytes,
            parquet_bytes=parquet_bytes,
            columns=columns,
            foreign_files=2,
        )

    return report_page(
        SizeReport(
            datasets=(
                dataset("station-five-minute-detectors-of-all-districts-since-2001", 35_200_000_000, 1_114_000_000),
                dataset("a_name_without_any_place_to_break_it_that_goes_on_and_on", 24_100_000_000, 514_000_000),
                dataset("tiny", 1400, 2900),
            ),
            unconverted=(UnconvertedDataset(name="own", commands=("invoke data.compress --dataset own",)),),
            up=DEFAULT_UP,
            down=DEFAULT_DOWN,
        )
    )


@pytest.mark.parametrize("width", [360, 600, 720, 1000, 1060, 1200, 1920])
def test_page_is_never_wider_than_the_window(browser: str, page: str, tmp_path: Path, width: int) -> None:
    """From a phone to a large screen there is nothing to scroll sideways to."""
    widths = _told(browser, page, "window.innerWidth + ' ' + body.parentElement.scrollWidth", tmp_path, width=width)
    assert widths == f"{width} {width}"


def test_page_follows_the_readers_light_or_dark(browser: str, page: str, tmp_path: Path) -> None:
    """Paper is light and ink dark, or the other way round."""
    background = "window.getComputedStyle(body).backgroundColor"
    assert _told(browser, page, background, tmp_path, LIGHT) == "rgb(247, 247, 244)"
    assert _told(browser, page, background, tmp_path, DARK) == "rgb(17, 21, 27)"


def test_page_asks_the_network_for_nothing(browser: str, page: str, tmp_path: Path) -> None:
    """The page is the only address requested; of a careless page, its picture would be too."""
    with _recording_proxy(page) as (port, requested):
        _dump(browser, "http://page.test/", tmp_path, *_through(port))
    assert [url for url in requested if ".test/" in url] == ["http://page.test/"]
    careless = '<!doctype html><title>x</title><img src="http://elsewhere.test/picture.png" alt="">'
    with _recording_proxy(careless) as (port, requested):
        _dump(browser, "http://page.test/", tmp_path, *_through(port))
    assert "http://elsewhere.test/picture.png" in requested, "the proxy sees what a page asks for"


def _told(browser: str, page: str, expression: str, folder: Path, *flags: str, width: int = 1200) -> str:
    """What an expression over the page's `window` and `body` evaluates to, in a frame of that width.

    A headless window has a least width of 500; a frame has none, and the page's policy stays as it is.
    """
    wrapper = folder / "wrapper.html"
    wrapper.write_text(
        f'''<!doctype html><meta name="color-scheme" content="light dark"><title>not loaded</title>
        <iframe style="border: 0; width: {width}px; height: 900px" srcdoc="{html.escape(page)}"></iframe>
        <script>onload = () => {{
          const window = frames[0], body = window.document.body;
          document.title = {expression};
        }}</script>''',
        encoding="utf-8",
    )
    dom = _dump(browser, wrapper.as_uri(), folder, *flags)
    title = re.search(r"<title>(.*?)</title>", dom)
    assert title is not None, dom[:500]
    return title[1]


def _dump(browser: str, url: str, folder: Path, *flags: str) -> str:
    command = [browser, *QUIET, f"--user-data-dir={folder / 'profile'}", *flags, "--dump-dom", url]
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8", timeout=120).stdout


def _through(port: int) -> tuple[str, str]:
    return f"--proxy-server=http://127.0.0.1:{port}", "--proxy-bypass-list=<-loopback>"


@contextmanager
def _recording_proxy(page: str) -> Iterator[tuple[int, list[str]]]:
    """A proxy that answers every request with the page, and the addresses that it was asked for."""
    requested: list[str] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requested.append(self.path)
            body = page.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_CONNECT(self) -> None:
            requested.append(f"https://{self.path}/")
            self.send_error(403)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port, requested
        finally:
            server.shutdown()
            thread.join()
