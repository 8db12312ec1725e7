"""Files that a run wrote into its container, where nothing is kept."""

from __future__ import annotations

import pytest

from notebook_run.lost_files import lost_text, written_outside

MOUNTED = ["/project/notebooks/lib", "/project/notebooks/eda.ipynb", "/project/notebooks/out/eda", "/project/data/raw"]


@pytest.mark.parametrize(
    ("changed", "lost"),
    [
        (["/project", "/project/notebooks", "/project/notebooks/x.csv"], ["/project/notebooks/x.csv"]),
        (["/data", "/data/x", "/data/x/y.csv"], ["/data/x/y.csv"]),
        (["/home", "/home/jovyan", "/home/jovyan/x.csv"], ["/home/jovyan/x.csv"]),
        (["/project", "/project/notebooks", "/project/notebooks/out", "/project/notebooks/out/eda"], []),
        (["/project/notebooks/out/eda2"], ["/project/notebooks/out/eda2"]),
        (["/project/data/raw/parquet"], []),
        (["/tmp", "/tmp/a/b.csv", "/run/x", "/var/tmp/x", "/var/cache/fontconfig/x"], []),
        (["/home/jovyan/.cache/x", "/opt/venv/lib/a/__pycache__/b.pyc", "/root/.ipython/profile/history"], []),
        (["/etc", "/etc/hosts", "/etc/resolv.conf", "/.dockerenv"], []),
        (["/tmpfile"], ["/tmpfile"]),
    ],
)
def test_only_files_that_a_user_would_miss_are_lost(changed: list[str], lost: list[str]) -> None:
    """Not the folders above them, the mounts, temporary files, caches, or the files of Docker."""
    assert written_outside(changed, MOUNTED) == lost


def test_many_lost_files_are_one_warning() -> None:
    """It names the first five."""
    text = lost_text([f"/{number}" for number in range(7)], "eda")
    assert text.startswith("7 files outside the results are lost with the container: /0, /1, /2, /3, /4 and 2 more.")
    assert lost_text(["/a"], "eda").startswith("1 file outside the results is lost with the container: /a.")
