"""Sites of incidents on Californian freeways, with consistent postmiles and coordinates."""

from __future__ import annotations

from dataclasses import dataclass

from data_sample.random_stream import RandomStream
from data_sample.text_table import decimal_text

SITES_PER_STRETCH = 240
_STREAM = 11


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A nearly straight part of a freeway within one CHP area.

    Attributes:
        centre: CHP communications centre.
        county, city: FIPS codes; the city "" is unincorporated land.
        prefix: Letter before state postmiles; `R` means a realigned road.
        state_mils, absolute_mils: Postmile of the first end, in thousandths of a mile.
        ends: Latitude and longitude of both ends, in millionths of a degree.
        crossings: Crossing streets, as dispatchers write them.
    """

    freeway: int
    directions: str
    centre: str
    area: str
    district: int
    county: int
    city: str
    prefix: str
    state_mils: int
    absolute_mils: int
    length_mils: int
    ends: tuple[tuple[int, int], tuple[int, int]]
    crossings: tuple[str, ...]


def _stretch(road: str, desk: str, codes: tuple[int, int, str], mils: tuple[str, int, int, int],
             ends: tuple[int, int, int, int], crossings: str) -> Stretch:  # fmt: skip
    freeway, directions = road.split()
    centre, area = desk.split(" ", 1)
    district, county, city = codes
    prefix, state, absolute, length = mils
    return Stretch(
        freeway=int(freeway), directions=directions, centre=centre, area=area, district=district, county=county,
        city=city, prefix=prefix, state_mils=state, absolute_mils=absolute, length_mils=length,
        ends=((ends[0], ends[1]), (ends[2], ends[3])), crossings=tuple(crossings.split(", ")),
    )  # fmt: skip


STRETCHES = (
    _stretch("5 NS", "OCCC Santa Ana", (12, 59, "69000"), ("", 28_540, 102_310, 8_900),
             (33_717_600, -117_794_800, 33_778_900, -117_886_500),
             "Main St, 17th St, Grand Ave, Red Hill Ave, 4th St"),
    _stretch("5 NS", "OCCC San Juan Capistrano", (12, 59, ""), ("", 6_100, 79_870, 13_400),
             (33_459_300, -117_659_100, 33_615_400, -117_707_900),
             "Ortega Hwy, Crown Valley Pkwy, Oso Pkwy, La Paz Rd"),
    _stretch("405 NS", "OCCC Westminster", (12, 59, "36770"), ("", 2_300, 2_300, 17_800),
             (33_662_100, -117_755_900, 33_757_600, -118_018_300),
             "Jamboree Rd, Bristol St, Harbor Blvd, Magnolia St"),
    _stretch("91 EW", "OCCC Santa Ana", (12, 59, "2000"), ("R", 7_400, 23_510, 11_200),
             (33_855_900, -117_874_600, 33_874_800, -117_690_300),
             "Lakeview Ave, Imperial Hwy, Weir Canyon Rd, SR241"),
    _stretch("55 NS", "OCCC Santa Ana", (12, 59, "69000"), ("R", 6_020, 5_900, 11_000),
             (33_686_900, -117_871_500, 33_835_600, -117_835_600),
             "Dyer Rd, Edinger Ave, Chapman Ave, Katella Ave"),
    _stretch("10 EW", "LACC Baldwin Park", (7, 37, "3666"), ("", 30_300, 32_810, 12_100),
             (34_069_200, -117_975_900, 34_070_900, -117_766_600),
             "Kellogg Dr, Grand Ave, Citrus St, Azusa Ave"),
    _stretch("405 NS", "LACC West LA", (7, 37, "44000"), ("", 26_100, 50_640, 14_600),
             (33_985_300, -118_395_200, 34_150_100, -118_469_500),
             "Sunset Blvd, Wilshire Blvd, Venice Blvd, Mulholland Dr"),
    _stretch("101 NS", "LACC Central LA", (7, 37, "44000"), ("S", 0, 780, 11_800),
             (34_053_200, -118_236_200, 34_137_200, -118_363_900),
             "Alvarado St, Vermont Ave, Gower St, Highland Ave"),
    _stretch("710 NS", "LACC South Los Angeles", (7, 37, "43000"), ("", 8_600, 5_400, 13_900),
             (33_835_100, -118_205_700, 34_014_300, -118_173_100),
             "Del Amo Blvd, Rosecrans Ave, Imperial Hwy, Firestone Blvd"),
    _stretch("60 EW", "LACC Santa Fe Springs", (7, 37, ""), ("R", 11_720, 12_060, 14_500),
             (34_034_400, -118_050_700, 33_998_800, -117_822_400),
             "Peck Rd, 7th Ave, Azusa Ave, Fullerton Rd"),
    _stretch("15 NS", "INCC Rancho Cucamonga", (8, 71, "59451"), ("", 4_900, 110_420, 15_600),
             (34_063_600, -117_546_100, 34_238_500, -117_417_400),
             "4th St, Foothill Blvd, Base Line Rd, Sierra Ave"),
    _stretch("215 NS", "INCC Riverside", (8, 65, "62000"), ("R", 27_900, 28_850, 15_200),
             (33_788_300, -117_233_700, 33_987_700, -117_342_300),
             "Cactus Ave, Alessandro Blvd, Box Springs Rd, Spruce St"),
    _stretch("5 NS", "BCCC San Diego", (11, 73, "66000"), ("R", 20_100, 20_060, 17_200),
             (32_762_800, -117_205_900, 33_001_500, -117_262_700),
             "Balboa Ave, La Jolla Village Dr, Carmel Valley Rd, Via De La Valle"),
    _stretch("8 EW", "BCCC El Cajon", (11, 73, ""), ("R", 17_300, 17_120, 16_300),
             (32_795_300, -116_959_200, 32_834_900, -116_704_600),
             "2nd St, Greenfield Dr, Lake Jennings Park Rd, Tavern Rd"),
    _stretch("101 NS", "GGCC San Jose", (4, 85, "68000"), ("", 33_400, 382_930, 14_800),
             (37_302_500, -121_839_900, 37_414_900, -122_071_500),
             "Tully Rd, Story Rd, Trimble Rd, Lawrence Expy"),
    _stretch("880 NS", "GGCC Hayward", (4, 1, "33000"), ("", 11_100, 21_370, 18_400),
             (37_576_900, -122_043_700, 37_776_400, -122_217_000),
             "Whipple Rd, A St, Marina Blvd, 98th Ave, High St"),
    _stretch("80 EW", "GGCC Oakland", (4, 1, "6000"), ("", 2_900, 7_610, 9_400),
             (37_829_200, -122_293_200, 37_943_900, -122_325_800),
             "Powell St, Ashby Ave, University Ave, Gilman St, Cutting Blvd"),
    _stretch("580 EW", "GGCC Dublin", (4, 1, ""), ("R", 21_407, 21_640, 13_300),
             (37_700_900, -121_930_500, 37_716_600, -121_690_300),
             "Hacienda Dr, El Charro Rd, Airway Blvd, Vasco Rd"),
    _stretch("5 NS", "SACC South Sacramento", (3, 67, "64000"), ("", 11_700, 508_420, 14_900),
             (38_373_900, -121_484_900, 38_583_600, -121_507_600),
             "Laguna Blvd, Pocket Rd, Sutterville Rd, Broadway"),
    _stretch("50 EW", "SACC East Sacramento", (3, 67, ""), ("R", 2_480, 5_260, 15_100),
             (38_560_400, -121_435_100, 38_641_900, -121_189_700),
             "Howe Ave, Watt Ave, Sunrise Blvd, Hazel Ave"),
    _stretch("99 NS", "FRCC Fresno", (6, 19, "27000"), ("", 17_000, 127_230, 15_900),
             (36_676_100, -119_751_900, 36_843_700, -119_899_100),
             "Jensen Ave, Ventura Ave, Ashlan Ave, Herndon Ave"),
    _stretch("101 NS", "VTCC Ventura", (7, 111, "65042"), ("R", 23_060, 62_910, 11_700),
             (34_228_700, -119_172_700, 34_285_800, -119_319_500),
             "Vineyard Ave, Victoria Ave, Seaward Ave, California St"),
)  # fmt: skip

_WHERE = ("Onr", "Ofr", "Oc", "Uc", "", "", "")
_STREETS = (
    "Beach Blvd",
    "Valley View St",
    "Santiago Canyon Rd",
    "Live Oak Canyon Rd",
    "Skyline Blvd",
    "Bear Creek Rd",
)


def site_texts(seed: int) -> list[str]:
    """The cells of each site, stretch by stretch.

    Each text holds Location, Area, Zoom Map, TB xy, Latitude, Longitude, District, County FIPS ID, City FIPS ID,
    Freeway Number, Freeway Direction, State Postmile and Absolute Postmile, joined by commas.
    """
    texts: list[str] = []
    for number, stretch in enumerate(STRETCHES):
        random = RandomStream(seed, _STREAM, number)
        share = random.integers(1000, SITES_PER_STRETCH).tolist()
        picks = random.integers(1 << 20, SITES_PER_STRETCH).tolist()
        texts += [_site_text(stretch, part, pick) for part, pick in zip(share, picks, strict=True)]
    return texts


def _site_text(stretch: Stretch, part: int, pick: int) -> str:
    """One site, `part` thousandths of the way along its stretch; one site in nine is on a side street."""
    (lat, lon), (lat_end, lon_end) = stretch.ends
    lat += (lat_end - lat) * part // 1000
    lon += (lon_end - lon) * part // 1000
    mils = stretch.length_mils * part // 1000
    direction = stretch.directions[pick % 2]
    crossing = stretch.crossings[part * len(stretch.crossings) // 1000]
    # Feet east and north, similar to state-plane coordinates, and the page of a paper map.
    plane = f"{6_500_000 + (lon + 118_000_000) * 3 // 10}:{lat * 364 // 1000 - 10_450_000}"
    place = f"{stretch.area},{_zoom_map(lat, lon)},{plane}"
    fixed = f"{place},{decimal_text(lat, places=6)},{decimal_text(lon, places=6)},{stretch.district},{stretch.county}"
    if pick // 2 % 9 == 0:
        street = _STREETS[pick // 18 % len(_STREETS)]
        return f"{street} / {crossing},{fixed},{stretch.city},,,,"
    where = _WHERE[pick // 18 % len(_WHERE)]
    road = _ROAD_CLASS.get(stretch.freeway, "I") + str(stretch.freeway)
    location = f"{road} {direction} / {crossing} {where}".rstrip()
    state = stretch.prefix + _postmile(stretch.state_mils + mils)
    absolute = _postmile(stretch.absolute_mils + mils)
    return f"{location},{fixed},{stretch.city},{stretch.freeway},{direction},{state},{absolute}"


_ROAD_CLASS = {50: "Us", 55: "Sr", 60: "Sr", 91: "Sr", 99: "Sr", 101: "Us"}


def _postmile(mils: int) -> str:
    text = decimal_text(mils, places=3).rstrip("0")
    return text.rstrip(".")


def _zoom_map(lat: int, lon: int) -> str:
    page = 500 + (lon + 123_000_000) // 40_000 % 400
    return f"{page} {lat // 7_000 % 7 + 1}{'ABCDEFGHJ'[lon // 8_000 % 9]}"
