"""Departments and grids over HTTP: idempotent, versioned, recorded, refused by field."""

from typing import Any

import sqlalchemy as sa

from services.dispatch.db.tables_registry import registry_changes
from shared.db.engine import Database
from tests.integration.dispatch.registry.conftest import Office
from tests.support.registry import EAST, SOUTH, STEP, WEST


async def history(database: Database, kind: str, code: str) -> list[tuple[str, Any, Any]]:
    query = (
        sa.select(registry_changes.c.action, registry_changes.c.before, registry_changes.c.after)
        .where(registry_changes.c.kind == kind, registry_changes.c.code == code)
        .order_by(registry_changes.c.id)
    )
    rows = await database.transact(lambda uow: uow.connection.execute(query))
    return [(row.action, row.before, row.after) for row in rows]


# --- departments ----------------------------------------------------------------------------------------------------

PARKS = {"name": "园林绿化中心", "name_en": "Parks", "kind": "PARKS", "grid_code": "411002"}


async def test_a_department_is_created_then_the_same_again_changes_nothing(office: Office) -> None:
    created = await office.admin.put("/v1/departments/PARKS", PARKS)
    assert (created.status_code, created.headers["ETag"]) == (201, '"v1"')
    again = await office.admin.put("/v1/departments/PARKS", PARKS)
    assert (again.status_code, again.headers["ETag"]) == (200, '"v1"')
    assert again.json() == created.json()
    assert (await office.reader.get("/v1/departments/PARKS")).json() == created.json()
    assert len(await history(office.database, "department", "PARKS")) == 1


async def test_a_replacement_is_recorded_with_before_and_after(office: Office) -> None:
    await office.admin.put("/v1/departments/PARKS", PARKS)
    changed = await office.admin.put("/v1/departments/PARKS", {**PARKS, "name": "园林局"}, If_Match='"v1"')
    assert changed.headers["ETag"] == '"v2"'
    (_, second) = await history(office.database, "department", "PARKS")
    assert second[0] == "replaced"
    assert (second[1]["name"], second[2]["name"]) == ("园林绿化中心", "园林局")


async def test_a_stale_tag_changes_nothing(office: Office) -> None:
    await office.admin.put("/v1/departments/PARKS", PARKS)
    await office.admin.put("/v1/departments/PARKS", {**PARKS, "name": "园林局"})
    refused = await office.colleague.put("/v1/departments/PARKS", {**PARKS, "name": "x"}, If_Match='"v1"')
    assert (refused.status_code, refused.json()["code"]) == (412, "stale_version")
    assert (await office.reader.get("/v1/departments/PARKS")).json()["name"] == "园林局"


async def test_a_tag_of_what_does_not_exist_is_stale(office: Office) -> None:
    assert (await office.admin.put("/v1/departments/NEW", PARKS, If_Match="*")).status_code == 412


async def test_a_retired_department_never_lives_again(office: Office) -> None:
    await office.admin.put("/v1/departments/PARKS", PARKS)
    retired = await office.admin.put("/v1/departments/PARKS", {**PARKS, "retired": True, "successor_code": "SANI"})
    assert retired.json()["retired_at"] is not None
    refused = await office.admin.put("/v1/departments/PARKS", PARKS)
    assert (refused.status_code, refused.json()["code"]) == (409, "code_retired")


async def test_a_department_that_published_rules_name_is_not_retired(office: Office) -> None:
    refused = await office.admin.put("/v1/departments/WATER", {"name": "供排水企业", "retired": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "department_in_use")
    assert refused.json()["rule_ids"] == ["water"]


BAD_DEPARTMENTS: list[tuple[Any, ...]] = [
    ({"parent_code": "NOBODY"}, "/parent_code"),
    ({"parent_code": "PARKS"}, "/parent_code"),
    ({"grid_code": "411003"}, "/grid_code"),
    ({"successor_code": "SANI"}, "/successor_code"),
    ({"name": ""}, "/name"),
    ({"colour": "green"}, "/colour"),
]


async def test_a_department_is_refused_by_field(office: Office) -> None:
    for change, field in BAD_DEPARTMENTS:
        refused = await office.admin.put("/v1/departments/PARKS", {**PARKS, **change})
        assert refused.status_code == 422
        assert [error["field"] for error in refused.json()["errors"]] == [field]
        assert (await office.reader.get("/v1/departments/PARKS")).status_code == 404


async def test_departments_are_listed_in_pages(office: Office) -> None:
    first = (await office.reader.get("/v1/departments?limit=2")).json()
    second = (await office.reader.get(f"/v1/departments?limit=2&cursor={first['next_cursor']}")).json()
    assert [item["code"] for item in first["items"] + second["items"]] == ["SANI", "STREET1", "WATER"]
    assert second["next_cursor"] is None


WRITES: list[tuple[Any, ...]] = [
    ("PUT", "/v1/departments/X", PARKS),
    ("PUT", "/v1/grids/411002009", {"name": "x"}),
    ("POST", "/v1/grids/import", {"type": "FeatureCollection", "features": []}),
    ("POST", "/v1/routing/rule-sets", {"rules": []}),
    ("PUT", "/v1/sla-policies/X", {"timers": {"T_RESOLVE": "1 day"}}),
    ("PUT", "/v1/calendars/x", {"time_zone": "UTC", "known_until": "2026-12-31"}),
]


async def test_who_may_only_look_changes_nothing(office: Office) -> None:
    for method, path, body in WRITES:
        assert (await office.reader.send(method, path, body)).status_code == 403


# --- grids ----------------------------------------------------------------------------------------------------------


def square(column: float, row: float, size: float = 1) -> dict[str, Any]:
    west, south = round(WEST + column * STEP, 6), round(SOUTH + row * STEP, 6)
    east, north = round(west + size * STEP, 6), round(south + size * STEP, 6)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def feature(code: str | int, geometry: dict[str, Any] | None, **properties: Any) -> dict[str, Any]:
    said = {"code": code, "name": f"grid {code}", "OBJECTID": 7, **properties}
    return {"type": "Feature", "properties": said, "geometry": geometry}


def collection(*features: dict[str, Any]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "name": "export", "features": list(features)}


def locate(longitude: float, latitude: float, at: str = "") -> str:
    moment = f"&at={at}" if at else ""
    return f"/v1/grids/locate?longitude={longitude}&latitude={latitude}{moment}"


INSIDE = (WEST + STEP / 2, SOUTH + STEP / 2)


async def test_a_grid_is_created_and_found_by_a_point_at_once(office: Office) -> None:
    beyond = (WEST + 2.5 * STEP, SOUTH + STEP / 2)
    assert (await office.reader.get(locate(*beyond))).status_code == 404
    created = await office.admin.put(
        "/v1/grids/411002001001003",
        {"name": "新网格", "geometry": square(2, 0), "duty_holders": [{"post": "网格员", "name": "李四"}]},
    )
    assert created.status_code == 201
    assert created.json()["level"] == 4
    assert created.json()["geometry"]["type"] == "Polygon"
    found = (await office.reader.get(locate(*beyond))).json()
    assert found["grid_code"] == "411002001001003"
    assert found["duty_holder"]["name"] == "李四"


async def test_a_point_tells_its_path_and_who_answers(office: Office) -> None:
    found = (await office.reader.get(locate(*INSIDE))).json()
    assert found["grid_path"] == ["411002001001001", "411002001001", "411002001", "411002"]
    assert (found["duty_grid_code"], found["duty_holder"]["name"]) == ("411002001", "张三")


async def test_a_point_on_a_shared_edge_is_in_the_lower_code(office: Office) -> None:
    found = (await office.reader.get(locate(round(WEST + STEP, 6), INSIDE[1]))).json()
    assert found["grid_code"] == "411002001001001"


async def test_swapped_coordinates_are_told_so(office: Office) -> None:
    refused = await office.reader.get(locate(INSIDE[1], INSIDE[0]))
    assert (refused.status_code, refused.json()["code"]) == (404, "outside_service_area")
    assert "swap" in refused.json()["hint"]


async def test_a_point_elsewhere_is_outside_without_a_hint(office: Office) -> None:
    refused = await office.reader.get(locate(EAST + 1, SOUTH))
    assert (refused.status_code, refused.json()["code"]) == (404, "outside_service_area")
    assert "hint" not in refused.json()


NO_POINTS: list[str] = ["longitude=1", "longitude=200&latitude=0", "longitude=x&latitude=0", "longitude=0&latitude=113"]


async def test_what_is_no_point_is_refused(office: Office) -> None:
    for query in NO_POINTS:
        assert (await office.reader.get(f"/v1/grids/locate?{query}")).status_code == 422


async def test_a_split_keeps_the_old_grid_findable_at_its_time(office: Office) -> None:
    old = {"name": "old", "geometry": square(0, 0), "valid_to": "2026-03-01"}
    new = {
        "name": "new",
        "geometry": square(0, 0),
        "valid_from": "2026-03-01",
        "predecessors": ["411002001001001"],
    }
    assert (await office.admin.put("/v1/grids/411002001001001", old)).status_code == 200
    assert (await office.admin.put("/v1/grids/411002001001009", new)).status_code == 201
    now = (await office.reader.get(locate(*INSIDE))).json()
    then = (await office.reader.get(locate(*INSIDE, at="2026-02-28T12:00:00%2B08:00"))).json()
    assert (now["grid_code"], then["grid_code"]) == ("411002001001009", "411002001001001")
    again = await office.admin.put("/v1/grids/411002001001001", {**old, "valid_to": None})
    assert (again.status_code, again.json()["code"]) == (409, "code_retired")


BAD_GRIDS: list[tuple[Any, ...]] = [
    ("411002000", {}, "/code"),
    ("411002003", {"predecessors": ["411002999"]}, "/predecessors/0"),
    ("411002003", {"valid_from": "2026-01-02", "valid_to": "2026-01-01"}, "/valid_to"),
    ("411002003", {"valid_from": 0}, "/valid_from"),
    ("411002003", {"geometry": {"type": "Point", "coordinates": [1, 2]}}, "/geometry/type"),
    ("411002003", {"geometry": {"type": "Polygon", "coordinates": [[[0, 0]]]}}, "/geometry/coordinates"),
]


async def test_a_grid_is_refused_by_field(office: Office) -> None:
    for code, change, field in BAD_GRIDS:
        refused = await office.admin.put(f"/v1/grids/{code}", {"name": "x", **change})
        assert refused.status_code == 422
        assert [error["field"] for error in refused.json()["errors"]] == [field]


async def test_grids_are_listed_below_an_area(office: Office) -> None:
    page = (await office.reader.get("/v1/grids?prefix=411002002&limit=3")).json()
    assert [item["code"] for item in page["items"]] == ["411002002", "411002002001", "411002002001001"]
    rest = (await office.reader.get(f"/v1/grids?prefix=411002002&cursor={page['next_cursor']}")).json()
    assert [item["code"] for item in rest["items"]] == ["411002002001002"]
    assert rest["items"][0]["has_geometry"]


async def test_an_import_reports_what_is_odd_and_stores_all(office: Office) -> None:
    bow_tie = {
        "type": "Polygon",
        "coordinates": [[[114, 34], [114.1, 34.1], [114.1, 34], [114, 34.1], [114, 34]]],
    }
    body = collection(
        feature("411002003", square(1.5, 0)),
        feature("411002004001", bow_tie),
        feature("411002001", square(0, 0, 2), name="again"),
    )
    done = await office.admin.post("/v1/grids/import", body)
    assert done.status_code == 200
    report = done.json()
    assert (report["created"], report["replaced"], report["unchanged"]) == (2, 1, 0)
    assert report["repaired"] == ["411002004001"]
    assert report["missing_parents"] == ["411002004"]
    overlaps = [flaw["codes"] for flaw in report["flaws"] if flaw["kind"] == "overlap"]
    assert ["411002001", "411002003"] in overlaps
    assert (await office.admin.post("/v1/grids/import", body)).json()["unchanged"] == 3


async def test_a_dry_run_writes_nothing(office: Office) -> None:
    done = await office.admin.post("/v1/grids/import?dry_run=true", collection(feature("411002003", square(3, 0))))
    assert (done.json()["created"], done.json()["dry_run"]) == (1, True)
    assert (await office.reader.get("/v1/grids/411002003")).status_code == 404


BAD_FEATURES: list[tuple[Any, ...]] = [
    (feature("411002000", None), "/features/1/properties/code"),
    (feature("411002003", None), "/features/1/properties/code"),
    (feature("411002005", {"type": "Polygon", "coordinates": [[[0, 0]]]}), "/features/1/geometry/coordinates"),
    (feature("411002005", None, predecessors=["411002777"]), "/features/1/properties/predecessors/0"),
]


async def test_one_bad_feature_refuses_the_whole_import(office: Office) -> None:
    for bad, field in BAD_FEATURES:
        refused = await office.admin.post("/v1/grids/import", collection(feature("411002003", square(3, 0)), bad))
        assert refused.status_code == 422
        assert [error["field"] for error in refused.json()["errors"]] == [field]
        assert (await office.reader.get("/v1/grids/411002003")).status_code == 404


async def test_a_code_that_is_a_number_is_refused(office: Office) -> None:
    """Trap 36."""
    refused = await office.admin.post("/v1/grids/import", collection(feature(411002003, None)))
    assert refused.status_code == 422


async def test_a_repeated_import_with_a_key_gets_the_first_reply(office: Office) -> None:
    body = collection(feature("411002003", square(3, 0)))
    first = await office.admin.post("/v1/grids/import", body, Idempotency_Key="k1")
    again = await office.admin.post("/v1/grids/import", body, Idempotency_Key="k1")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    assert first.json()["created"] == 1
