"""Builds the pack of Weidu District (魏都区): real streets and communities, synthetic borders, the default taxonomy.

Run from the root of the repository with the three tables the facts come from; the result is the same every time:
`python -m deploy.city.build_weidu --divisions villages.csv.gz --categories categories.csv --days cn_days.csv`
"""

import argparse
import csv
import gzip
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.city import synthetic_grids as synthetic
from services import dispatch

DISTRICT = "411002"
CENTRE = (113.817, 34.037)
HALF_WIDTH, HALF_HEIGHT = 0.058, 0.049  # degrees: about 10.5 km from west to east, 10.5 km from south to north
GRIDS = 408
TARGET = Path(__file__).parent.parent / "cities" / "weidu"
DEFAULT_POLICIES = Path(dispatch.__file__).parent / "defaults" / "sla_policies.json"
STREET_NAMES = {
    "411002001": "Xidajie Subdistrict",
    "411002002": "Dongdajie Subdistrict",
    "411002003": "Xiguan Subdistrict",
    "411002004": "Nanguan Subdistrict",
    "411002005": "Beidajie Subdistrict",
    "411002006": "Wuyilu Subdistrict",
    "411002007": "Gaoqiaoying Subdistrict",
    "411002008": "Dingzhuang Subdistrict",
    "411002009": "Yingchang Subdistrict",
    "411002010": "Wenfeng Subdistrict",
    "411002011": "Xinxing Subdistrict",
    "411002013": "Baling Subdistrict",
    "411002015": "Weibei Subdistrict",
    "411002016": "Industrial Cluster Subdistrict",
    "411002570": "Dongcheng Area",
}
AREA_ROUTED = frozenset({"STREET", "COMMU", "DISTRICT"})
UNIT_NAMES = {
    "DISTRICT": ("魏都区人民政府(统筹协调)", "District government (coordination)"),
    "CENTER": ("魏都区民情热线指挥中心", "Hotline centre"),
}
# Categories whose default type is one of these are handled at a street office, whichever of the three the type is.
STREET_KIND = "street_office"


@dataclass(frozen=True, slots=True)
class Community:
    code: str
    name: str
    grids: int


def read_rows(path: Path) -> list[dict[str, str]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_json(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


# --- areas ----------------------------------------------------------------------------------------------------------


def divide(rows: Sequence[Mapping[str, str]]) -> dict[str, tuple[str, list[Community]]]:
    """Streets by code, each with its communities; 408 grids are spread evenly: four each, three in every thirteenth."""
    real = sorted((row for row in rows if row["area_code"] == DISTRICT), key=lambda row: row["village_code"])
    surplus = 4 * len(real) - GRIDS
    every = len(real) // surplus if surplus > 0 else len(real) + 1
    streets: dict[str, tuple[str, list[Community]]] = {}
    for number, row in enumerate(real, start=1):
        grids = 3 if number % every == 0 and number // every <= surplus else 4
        _, communities = streets.setdefault(row["street_code"], (row["street"], []))
        communities.append(Community(row["village_code"], row["village"], grids))
    return streets


def draw(streets: Mapping[str, tuple[str, list[Community]]]) -> list[dict[str, Any]]:
    """All four levels as features that share borders exactly; codes and names are real down to communities."""
    cells, names = _cells(streets)
    rings = dict(zip(cells, synthetic.with_shared_corners(list(cells.values())), strict=True))
    to_map = synthetic.rounded_square(CENTRE, HALF_WIDTH, HALF_HEIGHT)
    features = []
    for code in sorted(names, key=lambda each: (len(each), each)):
        outline = synthetic.merged(ring for grid, ring in rings.items() if grid.startswith(code))
        features.append(
            {
                "type": "Feature",
                "properties": _properties(code, *names[code]),
                "geometry": {"type": "Polygon", "coordinates": [synthetic.closed_ring(outline, to_map)]},
            }
        )
    return features


def _properties(code: str, name: str, name_en: str) -> dict[str, Any]:
    properties: dict[str, Any] = {"code": code, "name": name}
    if name_en:
        properties["name_en"] = name_en
    return {**properties, "synthetic": True}


def _cells(
    streets: Mapping[str, tuple[str, list[Community]]],
) -> tuple[dict[str, synthetic.Rectangle], dict[str, tuple[str, str]]]:
    names = {DISTRICT: ("魏都区", "Weidu District")}
    cells: dict[str, synthetic.Rectangle] = {}
    weights = [sum(each.grids for each in communities) for _, communities in streets.values()]
    areas = synthetic.lay_out(synthetic.WHOLE, weights)
    for (street_code, (street, communities)), street_area in zip(streets.items(), areas, strict=True):
        names[street_code] = (street, STREET_NAMES[street_code])
        parts = synthetic.lay_out(street_area, [each.grids for each in communities])
        for community, part in zip(communities, parts, strict=True):
            names[community.code] = (community.name, "")
            for number, cell in enumerate(synthetic.lay_out(part, [1] * community.grids), start=1):
                code = f"{community.code}{number:03d}"
                cells[code] = cell
                names[code] = (f"{community.name.removesuffix('居委会')}第{number}网格", "")
    return cells, names


def write_grids(path: Path, features: Sequence[Mapping[str, Any]]) -> None:
    """One feature a line: a difference between two versions can be read."""
    lines = ",\n".join(json.dumps(each, ensure_ascii=False, separators=(",", ":")) for each in features)
    path.write_text(f'{{"type":"FeatureCollection","features":[\n{lines}\n]}}\n', encoding="utf-8")


# --- departments, categories, rules ---------------------------------------------------------------------------------


def street_office(street_code: str) -> str:
    return f"ST{street_code}"


def departments(
    streets: Mapping[str, tuple[str, list[Community]]], categories: Sequence[Mapping[str, str]]
) -> list[tuple[str, ...]]:
    units: dict[str, tuple[str, str]] = dict(UNIT_NAMES)
    for row in categories:
        if row["default_dept_type"] not in AREA_ROUTED:
            units.setdefault(row["default_dept_type"], (row["default_dept_zh"], row["default_dept_en"]))
    rows: list[tuple[str, ...]] = [
        (code, name, name_en, _kind(code), "" if code == "DISTRICT" else "DISTRICT", "")
        for code, (name, name_en) in sorted(units.items())
    ]
    for code, (street, _) in streets.items():
        office = street + ("办事处" if street.endswith("街道") else "管理委员会")
        rows.append((street_office(code), office, f"{STREET_NAMES[code]} Office", STREET_KIND, "DISTRICT", code))
    return rows


def _kind(code: str) -> str:
    if code == "DISTRICT":
        return "district_government"
    if code == "CENTER":
        return "hotline_centre"
    return "utility" if code.startswith("U_") or code == "TELCO" else "department"


def category_rows(categories: Sequence[Mapping[str, str]]) -> list[tuple[str, ...]]:
    return [
        (
            row["code"],
            row["name_zh"],
            row["name_en"],
            row["default_urgency"],
            row["default_handling_mode"].lower(),
            row["default_sla"],
            "1" if row["location_required"] == "Y" else "0",
            "1" if row["confidential_default"] == "Y" else "0",
            row["object_kind"],
        )
        for row in categories
    ]


def rule_rows(streets: Iterable[str], categories: Sequence[Mapping[str, str]]) -> list[tuple[str, ...]]:
    """One rule per category; where the unit depends on the area, one per street and one for "area not known"."""
    codes = list(streets)
    rules: list[tuple[str, ...]] = []
    for row in categories:
        if row["level"] != "2":
            continue
        code, unit = row["code"], row["default_dept_type"]
        if unit in AREA_ROUTED:
            rules.extend(
                (f"W{code}-{street[6:]}", code, street, street_office(street), "street office of the area")
                for street in codes
            )
            rules.append((f"W{code}", code, "", "DISTRICT", "area not known: the district organises (T14)"))
        else:
            rules.append((f"W{code}", code, "", unit, "default unit of the category"))
    return rules


# --- calendar -------------------------------------------------------------------------------------------------------


def calendar_rows(days: Sequence[Mapping[str, str]]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for day in days:
        note = day["holiday_name"]
        if note and day["is_workday"] == "1":
            note = f"make-up workday: {note}"
        rows.append((day["date"], day["is_workday"], note))
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("divisions", "categories", "days"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--target", type=Path, default=TARGET)
    options = parser.parse_args(arguments)
    streets = divide(read_rows(options.divisions))
    categories = read_rows(options.categories)
    target: Path = options.target
    write_grids(target / "grids.geojson", draw(streets))
    header = ("code", "name", "name_en", "kind", "parent_code", "grid_code")
    write_rows(target / "departments.csv", header, departments(streets, categories))
    columns = "code name name_en urgency mode policy_code location_required confidential object_kind"
    write_rows(target / "categories.csv", columns.split(), category_rows(categories))
    columns = "id category_code grid_code department_code note"
    write_rows(target / "rules.csv", columns.split(), rule_rows(streets, categories))
    shutil.copyfile(DEFAULT_POLICIES, target / "policies.json")
    write_rows(target / "calendar.csv", ("date", "is_workday", "note"), calendar_rows(read_rows(options.days)))


if __name__ == "__main__":
    main()
