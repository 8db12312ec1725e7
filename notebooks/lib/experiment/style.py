"""The style of the notebooks' figures: a palette for every colour vision, and titles that state the finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's palette, https://jfly.uni-koeln.de/color/: distinct for every common colour vision.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
INK, GREY, PALE = "#222222", "#767676", "#D9D9D9"

# In inches: the width of a notebook at the resolution below.
WIDTH = 9.0

_SETTINGS: dict[str, Any] = {
    "figure.figsize": (WIDTH, 4.2),
    "figure.dpi": 110,
    "savefig.dpi": 110,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.08,
    "figure.constrained_layout.wspace": 0.05,
    # matplotlib contains this font, so the pixels are the same in every image.
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.prop_cycle": mpl.cycler(color=[BLUE, ORANGE, GREEN, RED]),
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#ECECEC",
    "grid.linewidth": 0.8,
    "xtick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.color": GREY,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "image.cmap": "cividis",
}


def use() -> None:
    """Use this style for all figures from now on."""
    mpl.rcParams.update(_SETTINGS)


def headline(axes: Axes, finding: str, drawn: str) -> None:
    """Write the finding above the axes and, smaller, a description of what is drawn below it."""
    axes.set_title(finding, fontsize=11, fontweight="bold", pad=24)
    # Not part of the layout, because a long line would make the axes narrow.
    axes.annotate(
        drawn, (0, 1), (0, 8), xycoords="axes fraction", textcoords="offset points", fontsize=9, color=GREY
    ).set_in_layout(False)


def hours(axes: Axes, *, step: int = 3) -> None:
    """Label an axis of 0 to 24 hours."""
    axes.set_xlim(0, 24)
    axes.set_xticks(range(0, 25, step), [f"{hour:02d}:00" for hour in range(0, 25, step)])
