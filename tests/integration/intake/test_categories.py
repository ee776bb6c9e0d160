"""Categories: the tree, changing one with If-Match, retiring with a successor, and the effect on new appeals."""

from typing import Any

import pytest

from services.intake.domain.categories import Category
from services.intake.use_cases.load_categories import load_categories, put_service_area
from shared.errors import InvalidInput
from tests.integration.intake.office import CATEGORIES, SQUARE, Office, submission


async def put(office: Office, code: str, body: dict[str, Any], **headers: str) -> Any:
    return await office.client.put(f"/v1/categories/{code}", json=body, headers={**office.headers, **headers})


async def test_the_tree_nests_what_lies_below(office: Office) -> None:
    top = (await office.get("/v1/categories")).json()["items"]
    in_use = (await office.get("/v1/categories", params={"retired": False})).json()["items"]

    assert [item["code"] for item in top] == ["01", "0203", "1604"]
    assert [child["code"] for child in top[0]["children"]] == ["0101", "0110"]
    assert [child["code"] for child in in_use[0]["children"]] == ["0101"]
    assert top[0]["children"][0]["name_zh"] == "暴露垃圾"


async def test_a_new_category_takes_appeals_at_once(office: Office) -> None:
    created = await put(office, "0102", {"name": "Street cleaning", "parent_code": "01", "urgency": "P2"})

    assert (created.status_code, created.headers["ETag"], created.json()["level"]) == (201, '"v1"', 2)
    assert (await office.register(category_code="0102"))["urgency"] == "P2"


async def test_changing_takes_the_version_that_was_seen(office: Office) -> None:
    seen = await office.get("/v1/categories/0203")
    body = {"name": "Manhole", "urgency": "P2"}

    changed = await put(office, "0203", body, **{"If-Match": seen.headers["ETag"]})
    stale = await put(office, "0203", {"name": "Late"}, **{"If-Match": seen.headers["ETag"]})
    same = await put(office, "0203", body)

    assert (changed.status_code, changed.headers["ETag"]) == (200, '"v2"')
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    assert (same.status_code, same.headers["ETag"]) == (200, '"v2"')
    assert (await put(office, "0299", body, **{"If-Match": '"v1"'})).status_code == 412


async def test_a_retired_category_takes_no_more_appeals(office: Office) -> None:
    await put(office, "0203", {"name": "Manhole", "retired": True, "successor_code": "0101"})

    answer = await office.post("/v1/appeals", submission(category_code="0203"))

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["allowed"] == ["0101"]


@pytest.mark.parametrize(
    ("code", "body", "status"),
    [
        ("0102", {"name": "x", "parent_code": "77"}, 422),
        ("01", {"name": "x", "parent_code": "0101"}, 422),
        ("0101", {"name": "x", "successor_code": "01"}, 422),
        ("01", {"name": "x", "retired": True}, 422),
        ("0102", {}, 422),
        ("0102", {"name": "x", "colour": "red"}, 422),
        ("a b", {"name": "x"}, 422),
    ],
)
async def test_what_does_not_fit_is_refused(office: Office, code: str, body: dict[str, Any], status: int) -> None:
    before = await office.rows("categories")

    assert (await put(office, code, body)).status_code == status
    assert await office.rows("categories") == before


async def test_editing_takes_its_own_scope(office: Office) -> None:
    reader = await office.key("appeals:read")

    assert (await put(office, "0102", {"name": "x"}, **reader)).status_code == 403
    assert (await office.get("/v1/categories/0999")).status_code == 404


async def test_loading_the_same_taxonomy_again_changes_nothing(office: Office) -> None:
    changed = await office.database.transact(lambda uow: load_categories(uow, CATEGORIES))

    assert changed == 0
    assert {row["version"] for row in await office.rows("categories")} == {1}


async def test_loading_changes_only_what_differs_and_deletes_nothing(office: Office) -> None:
    renamed = Category("0203", "Manhole", level=1)
    child_before_parent = [Category("0301", "Below", parent_code="03"), Category("03", "Top", level=1), renamed]

    changed = await office.database.transact(lambda uow: load_categories(uow, child_before_parent))

    assert changed == 3
    versions = {row["code"]: row["version"] for row in await office.rows("categories")}
    assert versions == {"01": 1, "0101": 1, "0110": 1, "0203": 2, "03": 1, "0301": 1, "1604": 1}


async def test_a_taxonomy_that_is_no_tree_is_refused_whole(office: Office) -> None:
    before = await office.rows("categories")
    rows = [Category("05", "Fine", level=1), Category("0601", "Orphan", parent_code="06")]

    with pytest.raises(InvalidInput) as refused:
        await office.database.transact(lambda uow: load_categories(uow, rows))

    assert [problem.field for problem in refused.value.problems] == ["/0601/parent_code"]
    assert await office.rows("categories") == before


@pytest.mark.parametrize(
    "geojson",
    [
        {"type": "Point", "coordinates": [1, 2]},
        {"type": "Polygon"},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 1], [1, 0], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [400, 0], [400, 1], [0, 0]]]},
        {},
    ],
)
async def test_a_service_area_must_be_a_polygon_in_degrees(office: Office, geojson: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        await office.database.transact(lambda uow: put_service_area(uow, geojson))
    assert await office.rows("service_area") == []


async def test_setting_the_same_area_again_is_no_change(office: Office) -> None:
    first = await office.database.transact(lambda uow: put_service_area(uow, SQUARE))
    again = await office.database.transact(lambda uow: put_service_area(uow, SQUARE))

    assert (first, again) == (True, False)
