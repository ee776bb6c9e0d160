"""Places, service items, informants, demand classes: kept by PUT, retired in place of deleted, each version kept."""

from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from tests.integration.intake.office import Office, submission

WINDOW: dict[str, Any] = {
    "kind": "window",
    "name": "窗口一",
    "department_code": "D-01",
    "place": "Service hall",
    "opening_hours": [{"days": ["MO", "TU", "WE", "TH", "FR", "SA"], "opens": "08:30", "closes": "20:00"}],
}
CLASS = {"category_code": "01", "demand_class": "admin"}
INFORMANT: dict[str, Any] = {
    "role": "informant",
    "group": "retired_cadre",
    "team": "T-3",
    "grid_codes": ["411002001002003"],
    "name": "赵建国",
    "phone": "139 0000 0001",
}


async def put(office: Office, path: str, body: Any, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await office.client.put(path, json=body, headers={**office.headers, **named})


async def put_fine(office: Office, path: str, body: Any) -> dict[str, Any]:
    answer = await put(office, path, body)
    assert answer.status_code in {200, 201}, answer.text
    view: dict[str, Any] = answer.json()
    return view


async def test_an_entry_is_created_changed_and_retired_and_every_version_is_kept(office: Office) -> None:
    created = await put(office, "/v1/entry-points/W-1", WINDOW)
    changed = await put(office, "/v1/entry-points/W-1", {**WINDOW, "name": "窗口二"}, If_Match='"v1"')
    retired = await put(office, "/v1/entry-points/W-1", {**WINDOW, "name": "窗口二", "retired": True})

    assert [(answer.status_code, answer.headers["ETag"]) for answer in (created, changed, retired)] == [
        (201, '"v1"'),
        (200, '"v2"'),
        (200, '"v3"'),
    ]
    assert retired.json()["retired_at"] is not None
    versions = (await office.get("/v1/entry-points/W-1/versions")).json()["items"]
    assert [(one["version"], one["content"]["name"], one["content"]["retired"]) for one in versions] == [
        (3, "窗口二", True),
        (2, "窗口二", False),
        (1, "窗口一", False),
    ]
    with pytest.raises(DBAPIError, match="never changed"):
        await office.database.transact(
            lambda uow: uow.connection.execute(sa.text("DELETE FROM intake.registry_history"))
        )


async def test_putting_what_is_there_changes_nothing(office: Office) -> None:
    await put(office, "/v1/entry-points/W-1", WINDOW)

    again = await put(office, "/v1/entry-points/W-1", WINDOW)

    assert (again.status_code, again.headers["ETag"]) == (200, '"v1"')
    assert len(await office.rows("registry_history")) == 1


@pytest.mark.parametrize("tag", ['"v7"', "*"])
async def test_a_stale_version_is_refused(office: Office, tag: str) -> None:
    if tag != "*":
        await put(office, "/v1/entry-points/W-1", WINDOW)

    answer = await put(office, "/v1/entry-points/W-1", WINDOW | {"name": "x"}, If_Match=tag)

    assert (answer.status_code, answer.json()["code"]) == (412, "stale_version")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/entry-points/W-1", {**WINDOW, "kind": "door"}, "/kind"),
        ("/v1/entry-points/W-1", {**WINDOW, "longitude": 113.8}, "/latitude"),
        ("/v1/entry-points/W-1", {**WINDOW, "item_codes": ["S-404"]}, "/item_codes/0"),
        ("/v1/entry-points/W-1", {**WINDOW, "calendar": "Mondays"}, "/calendar"),
        ("/v1/entry-points/W-1", {**WINDOW, "special_days": [{"date": "2026-02-30"}]}, "/special_days/0/date"),
        (
            "/v1/entry-points/W-1",
            {**WINDOW, "opening_hours": [{"days": ["MO"], "opens": "9", "closes": "8"}]},
            "/opening_hours/0",
        ),
        ("/v1/service-items/S-1", {"kind": "permit", "name": "x", "category_code": "7777"}, "/category_code"),
        ("/v1/informants/I-1", {**INFORMANT, "phone": "call me"}, "/phone"),
        ("/v1/informants/I-1", {**INFORMANT, "group": "friends"}, "/group"),
        ("/v1/informants/I-1", {**INFORMANT, "active_from": "2026-13-01"}, "/active_from"),
        (
            "/v1/demand-classes",
            {"items": [{"category_code": "7777", "demand_class": "admin"}]},
            "/items/0/category_code",
        ),
        (
            "/v1/demand-classes",
            {"items": [{"category_code": "01", "demand_class": "admin"}] * 2},
            "/items/1/category_code",
        ),
    ],
)
async def test_a_wrong_entry_is_named_and_nothing_is_written(
    shut_office: Office, path: str, body: dict[str, Any], field: str
) -> None:
    answer = await put(shut_office, path, body)

    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert await shut_office.rows("registry_history") == []


async def test_one_department_has_several_windows_and_an_item_its_windows(office: Office) -> None:
    await put_fine(office, "/v1/service-items/S-1", {"kind": "permit", "name": "Permit", "department_code": "D-01"})
    for code in ("W-1", "W-2", "W-3"):
        await put_fine(office, f"/v1/entry-points/{code}", {**WINDOW, "item_codes": ["S-1"] if code != "W-2" else []})
    await put_fine(office, "/v1/entry-points/B-1", {"kind": "box", "name": "信箱"})

    async def codes(query: str) -> list[str]:
        return [row["code"] for row in (await office.get(f"/v1/entry-points?{query}")).json()["items"]]

    assert await codes("department_code=D-01") == ["W-1", "W-2", "W-3"]
    assert await codes("item_code=S-1") == ["W-1", "W-3"]
    assert await codes("kind=box") == ["B-1"]


async def test_an_outlet_is_a_window_whose_items_became_faster(office: Office) -> None:
    await put_fine(
        office,
        "/v1/service-items/S-1",
        {"kind": "service", "name": "车辆解押", "minutes_before": 240, "minutes_now": 20},
    )
    await put_fine(office, "/v1/entry-points/P-1", {"kind": "outlet", "name": "邮政服务站", "item_codes": ["S-1"]})

    receipt = await office.register(channel="window", channel_details={"window_id": "P-1", "item_code": "S-1"})

    assert receipt["status"] == "awaiting_dispatch"
    item = (await office.get("/v1/service-items/S-1")).json()
    assert (item["minutes_before"], item["minutes_now"]) == (240, 20)


async def test_entries_are_listed_in_pages(office: Office) -> None:
    for number in range(5):
        await put_fine(office, f"/v1/entry-points/B-{number}", {"kind": "box", "name": f"Box {number}"})

    first = (await office.get("/v1/entry-points?limit=3")).json()
    rest = (await office.get(f"/v1/entry-points?limit=3&cursor={first['next_cursor']}")).json()

    assert [row["code"] for row in first["items"] + rest["items"]] == [f"B-{number}" for number in range(5)]
    assert rest["next_cursor"] is None


async def test_a_window_keeps_hours_that_differ_from_those_of_the_office(office: Office) -> None:
    morning_of_a_monday = {**WINDOW, "special_days": [{"date": "2026-03-02"}]}

    # It is 09:00 on Monday 2 March 2026 in the city.
    assert (await put_fine(office, "/v1/entry-points/W-1", WINDOW))["open_now"] is True
    assert (await put_fine(office, "/v1/entry-points/W-2", morning_of_a_monday))["open_now"] is False
    assert (await put_fine(office, "/v1/entry-points/B-1", {"kind": "box", "name": "x"}))["open_now"] is None


async def test_a_partner_answers_around_the_clock(office: Office) -> None:
    every_day = {"days": ["MO", "TU", "WE", "TH", "FR", "SA", "SU"], "opens": "00:00", "closes": "24:00"}
    partner = {"kind": "partner", "name": "派出所", "contact": "110", "opening_hours": [every_day]}

    view = await put_fine(office, "/v1/entry-points/POLICE", partner)

    assert (view["contact"], view["open_now"]) == ("110", True)


PLACES = [
    ("box", "location_id", "box", True),
    ("box", "location_id", "book", False),
    ("book", "location_id", "book", True),
    ("card", "location_id", "card_stand", True),
    ("window", "window_id", "complaint_room", True),
    ("window", "window_id", "box", False),
    ("eval_window", "window_id", "eval_window", True),
    ("eval_window", "window_id", "window", False),
    ("cannot_do_window", "window_id", "window", True),
]


async def test_a_channel_names_places_of_its_kind(office: Office) -> None:
    for channel, field, kind, is_right in PLACES:
        await put_fine(office, f"/v1/entry-points/{kind}", {"kind": kind, "name": "x"})

        answer = await office.post("/v1/appeals", submission(channel=channel, channel_details={field: kind}))

        assert answer.status_code == (201 if is_right else 422), (channel, kind, answer.text)


async def test_a_letter_received_before_its_box_was_retired_may_still_be_entered(office: Office) -> None:
    box = {"kind": "box", "name": "Box"}
    await put_fine(office, "/v1/entry-points/B-1", {**box, "retired": True})
    yesterday = "2026-03-01T10:00:00+08:00"
    letter = submission(channel="box", channel_details={"location_id": "B-1"})

    late = await office.post("/v1/appeals", {**letter, "received_at": yesterday})
    new = await office.post("/v1/appeals", letter)

    assert (late.status_code, new.status_code) == (201, 422)
    assert new.json()["errors"][0]["message"] == "the entry point is retired"


async def test_an_informant_is_sealed_and_shown_by_hints(office: Office) -> None:
    view = await put_fine(office, "/v1/informants/I-1", INFORMANT)

    assert (view["name"], view["phone"], view["group"]) == ("赵**", "**********0001", "retired_cadre")
    for table in ("informants", "registry_history", "pii_vault"):
        stored = str(await office.rows(table))
        assert "赵建国" not in stored
        assert "13900000001" not in stored


async def test_opening_the_vault_for_an_informant_is_logged(office: Office) -> None:
    await put_fine(office, "/v1/informants/I-1", INFORMANT)

    answer = await office.post("/v1/informants/I-1/reveal", {"reason": "to thank them"})

    assert answer.json() == {"name": "赵建国", "phone": "+8613900000001"}
    assert answer.headers["Cache-Control"] == "no-store"
    [entry] = await office.rows("pii_access_log")
    [informant] = await office.rows("informants")
    assert (entry["appeal_id"], entry["reason"], entry["granted"]) == (informant["id"], "to thank them", True)


async def test_what_is_left_out_of_an_informant_stays_sealed_and_what_is_emptied_is_gone(office: Office) -> None:
    await put_fine(office, "/v1/informants/I-1", INFORMANT)
    without = {name: value for name, value in INFORMANT.items() if name not in {"name", "phone"}}

    moved = await put_fine(office, "/v1/informants/I-1", {**without, "team": "T-4"})
    assert (moved["team"], moved["name"]) == ("T-4", "赵**")
    assert (await office.post("/v1/informants/I-1/reveal", {"reason": "x"})).json()["name"] == "赵建国"

    emptied = await put_fine(office, "/v1/informants/I-1", {**without, "name": None, "phone": None})
    assert (emptied["name"], await office.rows("pii_vault")) == (None, [])


async def test_the_registry_of_people_is_read_by_team_grid_and_role(office: Office) -> None:
    for number in range(3):
        role = "volunteer" if number else "informant"
        await put_fine(office, f"/v1/informants/I-{number}", {**INFORMANT, "role": role, "group": None})

    async def codes(query: str) -> list[str]:
        return [row["code"] for row in (await office.get(f"/v1/informants?{query}")).json()["items"]]

    assert await codes("role=volunteer&team=T-3") == ["I-1", "I-2"]
    assert await codes("grid_code=411002001002003") == ["I-0", "I-1", "I-2"]
    assert await codes("team=T-9") == []


async def test_a_chief_with_too_many_households_is_marked(office: Office) -> None:
    chief = {"role": "building_chief", "households": 121}

    assert (await put_fine(office, "/v1/informants/C-1", chief))["too_many_households"] is True
    assert (await put_fine(office, "/v1/informants/C-2", {**chief, "households": 100}))["too_many_households"] is False


async def test_what_an_informant_filed_is_found_with_where_it_stands(office: Office) -> None:
    await put_fine(office, "/v1/informants/I-1", INFORMANT)
    filed = [
        await office.register(channel="informant", channel_details={"informant_id": "I-1"}, title=f"Matter {number}")
        for number in range(3)
    ]
    await office.register(channel="informant", type="report", channel_details={"informant_id": "I-1"})

    first = (await office.get("/v1/informants/I-1/appeals?limit=2")).json()
    rest = (await office.get(f"/v1/informants/I-1/appeals?limit=2&cursor={first['next_cursor']}")).json()

    found = [row["id"] for row in first["items"] + rest["items"]]
    assert sorted(found) == sorted(receipt["id"] for receipt in filed)
    assert {row["stage"] for row in first["items"]} == {"handling"}


async def test_somebody_files_in_their_own_role(office: Office) -> None:
    await put_fine(office, "/v1/informants/I-1", INFORMANT)

    answer = await office.post("/v1/appeals", submission(channel="volunteer", channel_details={"informant_id": "I-1"}))

    assert answer.json()["errors"][0]["message"] == "is registered as informant, not as volunteer"


async def test_a_demand_class_is_shown_on_appeals_of_the_category_and_those_below(office: Office) -> None:
    receipt = await office.register()
    assert (await office.get(f"/v1/appeals/{receipt['id']}")).json()["demand_class"] is None

    await put_fine(office, "/v1/demand-classes", {"items": [{"category_code": "01", "demand_class": "public_service"}]})
    assert (await office.get(f"/v1/appeals/{receipt['id']}")).json()["demand_class"] == "public_service"

    both = [{"category_code": "01", "demand_class": "admin"}, {"category_code": "0101", "demand_class": "interest"}]
    assert (await put_fine(office, "/v1/demand-classes", {"items": both})) == {"items": both}
    assert (await office.get(f"/v1/appeals/{receipt['id']}")).json()["demand_class"] == "interest"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/v1/entry-points/W-1", WINDOW),
        ("PUT", "/v1/service-items/S-1", {"kind": "permit", "name": "x"}),
        ("PUT", "/v1/informants/I-1", INFORMANT),
        ("PUT", "/v1/demand-classes", {"items": []}),
        ("PUT", "/v1/campaigns/C-1", {}),
        ("PUT", "/v1/surveys/S-1", {}),
        ("GET", "/v1/informants", None),
        ("GET", "/v1/informants/I-1", None),
        ("POST", "/v1/informants/I-1/reveal", {"reason": "x"}),
    ],
)
async def test_registries_are_kept_by_those_who_may(shut_office: Office, method: str, path: str, body: Any) -> None:
    writer = await shut_office.key("appeals:write", "appeals:read")

    assert (await shut_office.client.request(method, path, json=body)).status_code == 401
    assert (await shut_office.client.request(method, path, json=body, headers=writer)).status_code == 403


@pytest.mark.parametrize(
    "path",
    ["/v1/entry-points/X", "/v1/entry-points/X/versions", "/v1/service-items/X", "/v1/informants/X", "/v1/surveys/X"],
)
async def test_what_is_not_there_is_not_found(shut_office: Office, path: str) -> None:
    assert (await shut_office.get(path)).status_code == 404
