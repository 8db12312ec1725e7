"""Californian airports with a weather station: their locations and their climates."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Climate:
    """Parameters of the weather of a region.

    Attributes:
        mean, yearly, daily: Mean temperature, and half its range over the year and over the day, in tenths of °F.
        dew_gap: Mean difference between temperature and dew point, in tenths of °F.
        wet: Probability that a wet hour follows a dry one in midwinter, in 1/100,000.
        wind: Mean wind in tenths of knots.
        from_tens: Prevailing wind direction in tens of degrees.
        stratus: Amount of low morning cloud, 0 to 10.
    """

    mean: int
    yearly: int
    daily: int
    dew_gap: int
    wet: int
    wind: int
    from_tens: int
    stratus: int


@dataclass(frozen=True, kw_only=True)
class Airport:
    """An airport with a weather station.

    Attributes:
        wban: Five-digit station number; NOAA's id is `USW000` followed by it.
        wmo: Number in synoptic reports.
        minute: Minute of the hour of the regular report.
        latitude, longitude: Degrees, as printed.
        elevation: Tenths of a metre.
        wind_date: Date of the last change of the anemometer.
    """

    wban: str
    icao: str
    wmo: str
    name: str
    latitude: str
    longitude: str
    elevation: int
    minute: int
    wind_date: str
    climate: Climate

    @property
    def station(self) -> str:
        """NOAA's station id."""
        return f"USW000{self.wban}"


COAST = Climate(mean=612, yearly=65, daily=62, dew_gap=115, wet=900, wind=64, from_tens=26, stratus=8)
BAY = Climate(mean=575, yearly=75, daily=68, dew_gap=105, wet=1500, wind=82, from_tens=29, stratus=5)
VALLEY = Climate(mean=632, yearly=170, daily=125, dew_gap=180, wet=1300, wind=56, from_tens=31, stratus=1)
INLAND = Climate(mean=655, yearly=130, daily=130, dew_gap=210, wet=700, wind=55, from_tens=27, stratus=4)
DESERT = Climate(mean=735, yearly=190, daily=140, dew_gap=400, wet=250, wind=78, from_tens=30, stratus=0)
MOUNTAIN = Climate(mean=450, yearly=165, daily=150, dew_gap=160, wet=1900, wind=49, from_tens=21, stratus=0)
NORTH_COAST = Climate(mean=528, yearly=42, daily=48, dew_gap=55, wet=2600, wind=60, from_tens=33, stratus=9)

_CLIMATES = {"C": COAST, "B": BAY, "V": VALLEY, "I": INLAND, "D": DESERT, "M": MOUNTAIN, "N": NORTH_COAST}

# Climate, WBAN, ICAO, WMO, latitude, longitude, elevation in tenths of a metre, minute, name.
_LISTED = """
C 23174 KLAX 72295 33.9380 -118.3888  297 53 LOS ANGELES INTERNATIONAL AIRPORT
B 23234 KSFO 72494 37.6197 -122.3656   30 56 SAN FRANCISCO INTERNATIONAL AIRPORT
V 23232 KSAC 72483 38.5069 -121.4950   46 53 SACRAMENTO EXECUTIVE AIRPORT
C 23188 KSAN 72290 32.7336 -117.1831   46 51 SAN DIEGO INTERNATIONAL AIRPORT
V 93193 KFAT 72389 36.7800 -119.7194 1015 53 FRESNO YOSEMITE INTERNATIONAL
C 93184 KSNA 72297 33.6800 -117.8661  165 53 SANTA ANA JOHN WAYNE AIRPORT
C 23129 KLGB 72297 33.8117 -118.1464   94 53 LONG BEACH DAUGHERTY FIELD
B 23230 KOAK 72493 37.7214 -122.2208   18 53 OAKLAND INTERNATIONAL AIRPORT
B 23293 KSJC 72494 37.3594 -121.9244  155 53 SAN JOSE INTERNATIONAL AIRPORT
V 23155 KBFL 72384 35.4344 -119.0542 1491 54 BAKERSFIELD AIRPORT
I 03102 KONT 74704 34.0561 -117.6003 2896 53 ONTARIO INTERNATIONAL AIRPORT
D 93138 KPSP 74718 33.8281 -116.5053 1280 53 PALM SPRINGS REGIONAL AIRPORT
M 93230 KTVL 72584 38.8983 -119.9947 19248 53 SOUTH LAKE TAHOE AIRPORT
N 24283 KACV 72594 40.9781 -124.1086  661 53 ARCATA EUREKA AIRPORT
V 24257 KRDD 72592 40.5175 -122.2986 1512 53 REDDING MUNICIPAL AIRPORT
D 23161 KDAG 72381 34.8536 -116.7858 5852 53 BARSTOW DAGGETT AIRPORT
I 23152 KBUR 72288 34.2006 -118.3575 2219 53 BURBANK GLENDALE PASADENA AIRPORT
C 23190 KSBA 72392 34.4258 -119.8425   27 53 SANTA BARBARA MUNICIPAL AIRPORT
C 23273 KSMX 72394 34.8994 -120.4486  738 51 SANTA MARIA PUBLIC AIRPORT
V 23237 KSCK 72492 37.8944 -121.2386   79 55 STOCKTON METROPOLITAN AIRPORT
D 23158 KBLH 74718 33.6183 -114.7142 1189 52 BLYTHE AIRPORT
M 23157 KBIH 72480 37.3711 -118.3581 12502 56 BISHOP AIRPORT
C 03177 KCRQ 72292 33.1281 -117.2794  1000 53 CARLSBAD MCCLELLAN PALOMAR AIRPORT
B 23259 KSTS 72495 38.5039 -122.8103   347 53 SANTA ROSA SONOMA COUNTY AIRPORT
"""


def _airport(line: str) -> Airport:
    climate, wban, icao, wmo, latitude, longitude, elevation, minute, name = line.split(maxsplit=8)
    return Airport(
        wban=wban, icao=icao, wmo=wmo, name=f"{name}, CA US", latitude=latitude.rstrip("0"),
        longitude=longitude.rstrip("0"), elevation=int(elevation), minute=int(minute),
        wind_date=f"200{int(wban) % 9 + 1}-0{int(wban) % 8 + 1}-1{int(wban) % 7}", climate=_CLIMATES[climate],
    )  # fmt: skip


AIRPORTS = tuple(_airport(line) for line in _LISTED.strip().splitlines())
