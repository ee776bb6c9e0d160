"""Builds a small, good city pack in a directory, for tests that then spoil one thing."""

import json
from pathlib import Path
from typing import Any


def square(west: float, south: float, size: float = 1.0) -> dict[str, Any]:
    east, north = west + size, south + size
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def feature(code: str, geometry: dict[str, Any] | None, **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {"code": code, "name": f"area {code}", **properties},
        "geometry": geometry,
    }


CITY = {
    "format": 1,
    "code": "testville",
    "name": "Testville",
    "district_code": "990001",
    "levels": [{"length": 6, "name": "city"}, {"length": 9, "name": "ward"}],
    "hotline_number": "12345",
    "time_zone": "Asia/Shanghai",
    "calendar": {"code": "TV", "frames": [["09:00", "17:00"]]},
    "default_policy_code": "G5D",
    "sources": [{"title": "made up", "licence": "Apache-2.0"}],
}
FEATURES = [
    feature("990001", {"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [2, 1], [0, 1], [0, 0]]]}),
    feature("990001001", square(0, 0)),
    feature("990001002", square(1, 0)),
]
TABLES = {
    "departments.csv": "code,name,kind,parent_code,grid_code\n"
    "GOV,Government,office,,\nROADS,Roads,office,GOV,990001001\n",
    "categories.csv": "code,name,urgency,mode,policy_code\n01,Streets,,,\n0101,Potholes,P3,committed,G5D\n",
    "rules.csv": "id,category_code,grid_code,department_code\nR1,0101,,ROADS\nR2,0101,990001002,GOV\n",
    "calendar.csv": "date,is_workday,note\n2026-01-01,0,New Year\n2026-01-02,1,\n2026-01-03,0,\n",
}
POLICIES = {"policies": [{"code": "G5D", "name": "General", "timers": {"T_RESOLVE": "5 working_day"}}]}


def write_pack(directory: Path, **changes: Any) -> Path:
    """Write a good pack; `changes` replace a file by its name without the ending, or leave it out when None."""
    content: dict[str, Any] = {
        "city.json": json.dumps(CITY),
        "grids.geojson": json.dumps({"type": "FeatureCollection", "features": FEATURES}),
        "policies.json": json.dumps(POLICIES),
        **TABLES,
    }
    for name, text in content.items():
        stem = name.split(".")[0]
        value = changes.pop(stem, text)
        if value is not None:
            data = value if isinstance(value, bytes) else str(value).encode()
            (directory / name).write_bytes(data)
    assert not changes, f"no such file: {changes}"
    return directory
