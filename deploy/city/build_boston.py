"""Builds the pack of Boston from the city's open data, and the sample of requests that `make demo` runs on.

Run from the root of the repository; the result is the same every time:
`python -m deploy.city.build_boston --requests boston311_2015_01_09.csv.gz`
"""

import argparse
import csv
import gzip
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from deploy.city.boston_codes import (
    CITY_CODE,
    area_of,
    calendar_days,
    category_codes,
    department_codes,
    majority,
)
from deploy.city.build_weidu import read_rows, write_grids, write_json, write_rows
from deploy.city.due_periods import LearnedPeriod, learn_period
from deploy.demo.learn import Observation, choose_least_support, learn
from services.dispatch.domain.calendar import Period, PeriodUnit, WorkCalendar

TARGET = Path(__file__).parent.parent / "cities" / "boston"
ZONE = ZoneInfo("America/New_York")
SAMPLE_ROWS = 5_000
LEARN_UNTIL, TEST_FROM = "2015-07-01", "2015-05-01"
BOX = (-71.20, 42.22, -70.97, 42.41)
FIRST_YEAR, LAST_YEAR = 2015, 2027
NO_PERIOD = Period(10, PeriodUnit.ELAPSED_WORKING_DAY)
SAMPLE_COLUMNS = (
    "case_enquiry_id",
    "open_dt",
    "target_dt",
    "closed_dt",
    "ontime_status",
    "type",
    "queue",
    "department",
    "pwd_district",
    "latitude",
    "longitude",
    "source",
)

Rows = Sequence[Mapping[str, str]]


def boston_calendar() -> WorkCalendar:
    exceptions = {
        day: is_workday
        for day, is_workday, _ in calendar_days(FIRST_YEAR, LAST_YEAR)
        if is_workday != (day.weekday() < 5)
    }
    frames = ((time(8, 30), time(17, 0)),)
    return WorkCalendar("BOS", 1, ZONE, exceptions, datetime(LAST_YEAR, 12, 31).date(), frames)  # noqa: DTZ001


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


# --- what is learned ------------------------------------------------------------------------------------------------


def learn_periods(rows: Rows) -> dict[str, LearnedPeriod]:
    calendar = boston_calendar()
    observed: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for row in rows:
        if row["target_dt"] and row["open_dt"] < LEARN_UNTIL:
            observed[row["type"]].append((local(row["open_dt"]), local(row["target_dt"])))
    found = {name: learn_period(pairs, calendar) for name, pairs in observed.items()}
    return {name: period for name, period in found.items() if period is not None}


def policy_code(period: Period) -> str:
    return f"{'WD' if period.unit is PeriodUnit.ELAPSED_WORKING_DAY else 'D'}{period.count}"


def policy_documents(periods: Iterable[Period]) -> dict[str, Any]:
    """One policy per period; the city publishes no times for acknowledging and contacting, so they have none."""
    names = {
        policy_code(period): (period, f"{period.count} {_unit_words(period)}, at the same time of day")
        for period in periods
    }
    names["NONE"] = (NO_PERIOD, f"No due time published by the city; {NO_PERIOD.count} working days assumed")
    ordered = sorted(names.items(), key=lambda item: (item[0] == "NONE", item[1][0].unit, item[1][0].count))
    return {
        "policies": [
            {
                "code": code,
                "name": name,
                "timers": {
                    "T_RESOLVE": str(period),
                    "T_REVIEW": "1 working_day",
                    "T_CALLBACK": "2 working_day",
                    "T_LEDGER_REVIEW": "90 day",
                },
                "basis": "learned from recorded due times" if code != "NONE" else "assumed",
            }
            for code, (period, name) in ordered
        ]
    }


def _unit_words(period: Period) -> str:
    word = "working day" if period.unit is PeriodUnit.ELAPSED_WORKING_DAY else "day"
    return word if period.count == 1 else f"{word}s"


def learned_rules(rows: Rows, categories: Mapping[str, str], queues: Mapping[str, str]) -> list[tuple[str, ...]]:
    past = [
        (
            row["open_dt"] >= TEST_FROM,
            Observation(categories[row["type"]], area_of(row["pwd_district"]), queues[row["queue"]]),
        )
        for row in rows
        if row["open_dt"] < LEARN_UNTIL
    ]
    learned = learn((each for _, each in past), least_support=choose_least_support(past))
    return [
        (
            rule.id,
            rule.category,
            rule.area or "",
            rule.department,
            f"{rule.support} of {rule.seen} in the learning months",
        )
        for rule in learned.rules
    ]


# --- files ----------------------------------------------------------------------------------------------------------


def write_departments(path: Path, rows: Rows) -> dict[str, str]:
    departments, queues = department_codes(rows)
    subject_of = majority((row["department"], row["subject"]) for row in rows)
    queue_parent = majority((row["queue"], row["department"]) for row in rows)
    lines = [
        (code, subject_of[name], "", "department", "")
        for name, code in sorted(departments.items(), key=lambda item: item[1])
    ]
    lines += [
        (code, name, "", "queue", departments[queue_parent[name]])
        for name, code in sorted(queues.items(), key=lambda item: item[1])
    ]
    write_rows(path, ("code", "name", "name_en", "kind", "parent_code"), lines)
    return queues


def write_categories(path: Path, rows: Rows, periods: Mapping[str, LearnedPeriod]) -> dict[str, str]:
    subjects, types = category_codes(rows)
    lines = [(code, name, "P3", "committed", "") for name, code in subjects.items()]
    for name, code in types.items():
        policy = policy_code(periods[name].period) if name in periods else "NONE"
        lines.append((code, name, "P3", "committed", policy))
    write_rows(path, ("code", "name", "urgency", "mode", "policy_code"), sorted(lines))
    return types


def write_due_periods(path: Path, types: Mapping[str, str], periods: Mapping[str, LearnedPeriod]) -> None:
    """The record of how well each period explains the city's due times; the loader does not read it."""
    lines = []
    for name, code in sorted(types.items(), key=lambda item: item[1]):
        found = periods.get(name)
        if found is None:
            lines.append((code, name, "", "", "", "no due time recorded in the learning months"))
        else:
            remark = "fixed" if found.is_fixed else "not fixed: the most frequent period"
            lines.append((code, name, str(found.period), str(found.explained), str(found.seen), remark))
    write_rows(path, ("category_code", "type", "period", "explained", "seen", "remark"), lines)


def areas(rows: Rows) -> list[dict[str, Any]]:
    west, south, east, north = BOX
    box = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    outline = {"type": "Polygon", "coordinates": [box]}
    districts = sorted(
        {row["pwd_district"] for row in rows if area_of(row["pwd_district"])}, key=lambda d: area_of(d) or ""
    )
    return [
        _feature(CITY_CODE, "Boston", outline, synthetic=True),
        *(
            _feature(area_of(district) or "", f"Public works district {district.lstrip('0')}", None, synthetic=False)
            for district in districts
        ),
    ]


def _feature(code: str, name: str, geometry: Any, *, synthetic: bool) -> dict[str, Any]:
    properties = {"code": code, "name": name, "synthetic": synthetic}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def write_sample(path: Path, rows: Rows) -> None:
    """Every 19th request or so, in the order of opening: each month keeps its share."""
    ordered = sorted(rows, key=lambda row: (row["open_dt"], row["case_enquiry_id"]))
    chosen = [ordered[number * len(ordered) // SAMPLE_ROWS] for number in range(SAMPLE_ROWS)]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, SAMPLE_COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(chosen)
    path.write_bytes(gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=Path, required=True)
    parser.add_argument("--target", type=Path, default=TARGET)
    options = parser.parse_args(arguments)
    target: Path = options.target
    rows = read_rows(options.requests)
    periods = learn_periods(rows)
    queues = write_departments(target / "departments.csv", rows)
    types = write_categories(target / "categories.csv", rows, periods)
    write_due_periods(target / "due-periods.csv", types, periods)
    write_json(target / "policies.json", policy_documents(found.period for found in periods.values()))
    write_grids(target / "grids.geojson", areas(rows))
    columns = ("id", "category_code", "grid_code", "department_code", "note")
    write_rows(target / "rules.csv", columns, learned_rules(rows, types, queues))
    days = [(day.isoformat(), int(works), note) for day, works, note in calendar_days(FIRST_YEAR, LAST_YEAR)]
    write_rows(target / "calendar.csv", ("date", "is_workday", "note"), days)
    write_sample(target / "requests.csv.gz", rows)


if __name__ == "__main__":
    main()
