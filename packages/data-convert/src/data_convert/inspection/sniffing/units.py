"""Recognises the second row of a header: units, labels or types of the columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from data_convert.inspection.sniffing.cell_kinds import Kind, kind

# One text, because a list with quotes would take a page.
_WORDS: Final = frozenset(
    """
    h hr hrs hour hours s sec secs second seconds ms us ns min mins minute minutes d day days wk week weeks month months
    yr yrs year years m mm cm dm km ft in inch inches feet mi mile miles nmi nmile nm um µm yd kt kts knot knots m/s
    km/h kmh kph mph ft/s kg g mg µg ug ng t lb lbs oz c f k °c °f degc degf celsius fahrenheit kelvin % percent pct #
    count counts number n no nr unitless dimensionless deg degs degree degrees degrees_north degrees_east degree_north
    degree_east degrees_true rad mb mbar hpa kpa mpa pa bar atm psi inhg mmhg mg/l µg/l ug/l g/l µg/m3 ug/m3 µg/m³
    w kw mw gw wh kwh mwh gwh v mv kv a ma hz khz mhz ghz rpm ohm ω j kj mj cal kcal n/m2 l ml dl hl m3 m³ m^3 m2 m²
    ha acre acres l/s m3/s m³/s cfs gpm w/m2 w/m² w/m^2 kwh/m2 lux lx ppm ppb ppt psu ntu fnu ph us/cm µs/cm ms/cm db
    eur usd gbp chf jpy $ € £ eur/mwh utc gmt local date time datetime timestamp text txt string str char varchar int
    integer int32 int64 float float32 float64 double decimal numeric real bool boolean category factor id code name flag
    """.split()  # noqa: SIM905
)
_PATTERNS: Final = re.compile(
    r"""
    [\[(].*[\])]                                      # [m/s], (degrees)
    | \d{1,3}[snd]                                    # 15s, 10n: the row of formats in USGS RDB
    | [^\W\d_]{1,6}\d?(\s?[/*·.^]\s?-?[^\W_]{1,6}[²³]?)+ # kg/ha, W.m-2
    | .{0,6}[°%µ²³].{0,6}                             # °C, g m⁻³
    | [YMDHSymdhs]{1,4}([-/.: T]{1,2}[YMDHSymdhs]{1,4})+ # YYYY-MM-DD
    """,
    re.VERBOSE,
)


def is_unit(cell: str) -> bool:
    """Whether the text is a known unit or type, or is written like one."""
    text = cell.strip().lower()
    return text in _WORDS or bool(_PATTERNS.fullmatch(cell.strip()))


def describes_columns(cells: Sequence[str], below: Sequence[Sequence[str]], typed: Sequence[int]) -> bool:
    """Whether a row behind the header describes the columns rather than being the first row.

    It is skipped then, so there has to be good evidence: no cell of a column of values is a value, and the texts are
    units or types, or several columns have a text that never comes again.

    Args:
        below: The rows below it.
        typed: Places of the columns whose cells are numbers or moments.
    """
    filled = [cell for cell in cells if cell.strip()]
    if not filled:
        return False
    if all(re.fullmatch(r"\d{1,3}[snd]", cell.strip()) for cell in filled):
        return True
    texts = [place for place in typed if place < len(cells) and kind(cells[place]) is Kind.WORD]
    if not texts or any(kind(cells[place]) in (Kind.NUMBER, Kind.MOMENT) for place in typed if place < len(cells)):
        return False
    if any(cells[place] == row[place] for place in texts for row in below if place < len(row)):
        return False
    known = sum(map(is_unit, filled))
    return known > len(filled) / 2 or (len(texts) >= 2 and len(texts) > len(typed) / 2 and len({*filled}) > 1)
