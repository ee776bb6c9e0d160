"""A small made-up city for tests of dispatch: two streets with two grids each, three departments, a calendar."""

from collections.abc import Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import shapely

from services.dispatch.domain.calendar import WorkCalendar
from services.dispatch.domain.grid import DutyHolder, Grid, StoredGrid
from services.dispatch.domain.registry import Category, Department
from services.dispatch.domain.routing import Rule
from services.dispatch.use_cases.load_registry import RegistryPack
from shared.vocabulary import HandlingMode, Urgency

SHANGHAI = ZoneInfo("Asia/Shanghai")
DISTRICT = "411002"
WEST, EAST = 113.80, 113.84
SOUTH = 34.00
STEP = 0.02


def days(first: str, last: str) -> list[date]:
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    return [begin + timedelta(days=offset) for offset in range((end - begin).days + 1)]


# The State Council's lists for 2025 and 2026, as section 7 of the specification gives them.
HOLIDAYS = [
    *days("2025-01-01", "2025-01-01"),
    *days("2025-01-28", "2025-02-04"),
    *days("2025-04-04", "2025-04-06"),
    *days("2025-05-01", "2025-05-05"),
    *days("2025-05-31", "2025-06-02"),
    *days("2025-10-01", "2025-10-08"),
    *days("2026-01-01", "2026-01-03"),
    *days("2026-02-15", "2026-02-23"),
    *days("2026-04-04", "2026-04-06"),
    *days("2026-05-01", "2026-05-05"),
    *days("2026-06-19", "2026-06-21"),
    *days("2026-09-25", "2026-09-27"),
    *days("2026-10-01", "2026-10-07"),
]
MAKE_UP_WORKDAYS = [
    date.fromisoformat(day)
    for day in (
        *("2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11"),
        *("2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"),
    )
]


def chinese_calendar(version: int = 1) -> WorkCalendar:
    """2025 and 2026 as published; nothing is known of 2027."""
    exceptions = dict.fromkeys(HOLIDAYS, False) | dict.fromkeys(MAKE_UP_WORKDAYS, True)
    return WorkCalendar("cn", version, SHANGHAI, exceptions, date(2026, 12, 31))


def box(column: int, row: int, columns: int = 1, rows: int = 1) -> bytes:
    """A rectangle of the made-up city's raster, as it is stored."""
    west, south = round(WEST + column * STEP, 6), round(SOUTH + row * STEP, 6)
    east, north = round(WEST + (column + columns) * STEP, 6), round(SOUTH + (row + rows) * STEP, 6)
    return bytes(shapely.to_wkb(shapely.box(west, south, east, north)))


def stored(code: str, wkb: bytes | None, name: str = "") -> StoredGrid:
    return StoredGrid(Grid(code=code, name=name or f"grid {code}"), wkb)


def small_city(rules: Sequence[Rule] | None = None) -> RegistryPack:
    """The pack. Grids: 411002001001001 | 411002001001002 side by side, the same for street 002 above them."""
    worker = DutyHolder("网格员", "张三", "STREET1")
    return RegistryPack(
        departments=[
            Department("SANI", "环卫中心", "Sanitation", "SANI"),
            Department("WATER", "供排水企业", "Water", "U_WAT"),
            Department("STREET1", "第一街道", "First street", "STREET", grid_code="411002001"),
        ],
        grids=[
            stored(DISTRICT, box(0, 0, 2, 2), "魏都区"),
            StoredGrid(Grid("411002001", "第一街道", duty_holders=(worker,)), box(0, 0, 2, 1)),
            stored("411002001001", box(0, 0, 2, 1)),
            stored("411002001001001", box(0, 0)),
            stored("411002001001002", box(1, 0)),
            stored("411002002", box(0, 1, 2, 1), "第二街道"),
            stored("411002002001", box(0, 1, 2, 1)),
            stored("411002002001001", box(0, 1)),
            stored("411002002001002", box(1, 1)),
        ],
        categories=[
            Category("01", "市容环境", "City appearance"),
            Category("0101", "暴露垃圾", "Garbage", "01", Urgency.P3, HandlingMode.COMMITTED, "UM1D"),
            Category("0102", "道路保洁", "Street cleaning", "01", Urgency.P3, HandlingMode.COMMITTED, "UM4H"),
            Category("02", "市政设施", "Facilities"),
            Category("0205", "道路积水", "Ponding", "02", Urgency.P2, HandlingMode.COMMITTED, "L24"),
        ],
        calendars=[chinese_calendar()],
        rules=small_rules() if rules is None else rules,
        default_calendar_code="cn",
    )


def small_rules() -> list[Rule]:
    return [
        Rule("sanitation", "SANI", category_code="01"),
        Rule("garbage-street-1", "STREET1", category_code="0101", grid_code="411002001"),
        Rule("water", "WATER", category_code="0205"),
    ]
