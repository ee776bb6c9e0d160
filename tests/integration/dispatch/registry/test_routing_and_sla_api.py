"""Rule sets, policies, calendars and the two previews over HTTP."""

from typing import Any
from uuid import uuid4

from tests.integration.dispatch.registry.conftest import Office
from tests.support.registry import EAST, SOUTH, STEP, WEST

QUESTION = {"type": "complaint", "category_code": "0101", "urgency": "P3", "channel": "phone"}
INSIDE = {"longitude": WEST + STEP / 2, "latitude": SOUTH + STEP / 2}
ALL_TO_WATER = {"rules": [{"id": "all", "department_code": "WATER"}], "note": "try"}


# --- previews of routing --------------------------------------------------------------------------------------------


async def test_a_preview_says_who_and_why(office: Office) -> None:
    decision = (await office.reader.post("/v1/routing/preview", {**QUESTION, **INSIDE})).json()
    assert decision["department_code"] == "STREET1"
    assert decision["rule_id"] == "garbage-street-1"
    assert decision["rule_set_version"] == 1
    assert decision["grid_path"] == ["411002001001001", "411002001001", "411002001", "411002"]
    assert not decision["fallback"]
    assert [each["rule_id"] for each in decision["considered"]] == ["garbage-street-1", "sanitation"]


DECISIONS: list[tuple[Any, ...]] = [
    ({"grid_code": "411002002001001"}, "SANI"),
    ({"grid_code": "411002001000000"}, "STREET1"),
    ({}, "SANI"),
    ({"category_code": "0205", "grid_code": "411002"}, "WATER"),
    ({"category_code": "02"}, None),
]


async def test_the_published_rules_decide(office: Office) -> None:
    for change, department in DECISIONS:
        decision = (await office.reader.post("/v1/routing/preview", {**QUESTION, **change})).json()
        assert decision["department_code"] == department
        assert decision["fallback"] is (department is None)


BAD_QUESTIONS: list[tuple[Any, ...]] = [
    ({"category_code": "77"}, 422),
    ({"grid_code": "41"}, 422),
    ({"longitude": 113.8}, 422),
    ({"type": "rumour"}, 422),
    ({"longitude": EAST + 1, "latitude": SOUTH}, 404),
    ({"longitude": SOUTH, "latitude": WEST}, 404),
    ({"at": "2026-03-02T09:00:00"}, 422),
]


async def test_a_question_that_cannot_be_answered(office: Office) -> None:
    for change, status in BAD_QUESTIONS:
        assert (await office.reader.post("/v1/routing/preview", {**QUESTION, **change})).status_code == status


# --- rule sets ------------------------------------------------------------------------------------------------------


async def test_a_draft_decides_nothing_until_a_second_person_publishes_it(office: Office) -> None:
    drafted = await office.admin.post("/v1/routing/rule-sets", ALL_TO_WATER)
    assert (drafted.status_code, drafted.json()["status"], drafted.json()["version"]) == (201, "draft", 2)
    path = drafted.headers["Location"]
    assert (await office.reader.post("/v1/routing/preview", QUESTION)).json()["department_code"] == "SANI"

    own = await office.admin.post(f"{path}/publish")
    assert (own.status_code, own.json()["code"]) == (403, "second_person_required")
    assert (await office.reader.get(path)).json()["status"] == "draft"

    published = await office.colleague.post(f"{path}/publish")
    assert (published.status_code, published.json()["status"]) == (200, "published")
    decision = (await office.reader.post("/v1/routing/preview", QUESTION)).json()
    assert (decision["department_code"], decision["rule_set_version"]) == ("WATER", 2)
    statuses = [item["status"] for item in (await office.reader.get("/v1/routing/rule-sets")).json()["items"]]
    assert statuses == ["published", "superseded"]


async def test_a_rule_set_is_published_once(office: Office) -> None:
    path = (await office.admin.post("/v1/routing/rule-sets", ALL_TO_WATER)).headers["Location"]
    await office.colleague.post(f"{path}/publish")
    again = await office.colleague.post(f"{path}/publish")
    assert (again.status_code, again.json()["code"], again.json()["state"]) == (409, "illegal_move", "published")


async def test_a_draft_that_no_longer_holds_is_not_published(office: Office) -> None:
    await office.admin.put("/v1/departments/PARKS", {"name": "parks"})
    drafted = await office.admin.post("/v1/routing/rule-sets", {"rules": [{"id": "p", "department_code": "PARKS"}]})
    await office.admin.put("/v1/departments/PARKS", {"name": "parks", "retired": True})
    refused = await office.colleague.post(f"{drafted.headers['Location']}/publish")
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "/rules/0/department_code"
    assert (await office.reader.post("/v1/routing/preview", QUESTION)).json()["rule_set_version"] == 1


BAD_DRAFTS: list[tuple[Any, ...]] = [
    ([{"id": "a", "department_code": "NOBODY"}], "/rules/0/department_code"),
    ([{"id": "a", "department_code": "SANI", "category_code": "77"}], "/rules/0/category_code"),
    ([{"id": "a", "department_code": "SANI", "grid_code": "411009"}], "/rules/0/grid_code"),
    ([{"id": "a", "department_code": "SANI"}, {"id": "b", "department_code": "WATER"}], "/rules/0/order"),
    ([{"id": "a", "department_code": "SANI"}, {"id": "a", "department_code": "SANI"}], "/rules/1/id"),
    ([{"id": "a", "department_code": "SANI", "type": "x"}], "/rules/0/type"),
    (
        [{"id": "a", "department_code": "SANI", "time_window": {"start": "8", "end": "9"}}],
        "/rules/0/time_window/start",
    ),
]


async def test_a_draft_is_refused_naming_rule_and_field(office: Office) -> None:
    for rules, field in BAD_DRAFTS:
        refused = await office.admin.post("/v1/routing/rule-sets", {"rules": rules})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"] == field
        assert len((await office.reader.get("/v1/routing/rule-sets")).json()["items"]) == 1


async def test_the_rules_of_a_set_are_read_in_pages(office: Office) -> None:
    (published,) = (await office.reader.get("/v1/routing/rule-sets")).json()["items"]
    path = f"/v1/routing/rule-sets/{published['id']}/rules"
    first = (await office.reader.get(f"{path}?limit=2")).json()
    rest = (await office.reader.get(f"{path}?limit=2&cursor={first['next_cursor']}")).json()
    ids = [rule["id"] for rule in first["items"] + rest["items"]]
    assert ids == ["garbage-street-1", "sanitation", "water"]


TAILS: list[str] = ["", "/rules"]


async def test_an_unknown_rule_set_is_not_found(office: Office) -> None:
    for tail in TAILS:
        assert (await office.reader.get(f"/v1/routing/rule-sets/{uuid4()}{tail}")).status_code == 404


async def test_a_repeated_draft_with_a_key_is_one_draft(office: Office) -> None:
    first = await office.admin.post("/v1/routing/rule-sets", ALL_TO_WATER, Idempotency_Key="d1")
    again = await office.admin.post("/v1/routing/rule-sets", ALL_TO_WATER, Idempotency_Key="d1")
    assert again.json() == first.json()
    assert again.headers["Location"] == first.headers["Location"]
    assert len((await office.reader.get("/v1/routing/rule-sets")).json()["items"]) == 2


# --- SLA ------------------------------------------------------------------------------------------------------------


DUE_TIMES: list[tuple[Any, ...]] = [
    ("2026-09-18T16:00:00+08:00", {"count": 1, "unit": "working_day"}, "2026-09-20T16:00:00Z", False),
    ("2026-08-02T10:00:00+08:00", {"count": 60, "unit": "day", "roll": True}, "2026-10-08T16:00:00Z", False),
    ("2026-09-30T17:00:00+08:00", {"count": 4, "unit": "working_hour"}, "2026-10-08T03:30:00Z", False),
    ("2026-10-01T23:30:00+08:00", {"count": 2, "unit": "hour"}, "2026-10-01T17:30:00Z", False),
    ("2026-12-31T09:00:00+08:00", {"count": 5, "unit": "working_day"}, "2027-01-07T16:00:00Z", True),
]


async def test_a_preview_counts_in_the_citys_calendar(office: Office) -> None:
    for start, period, due_at, provisional in DUE_TIMES:
        answer = await office.reader.post("/v1/sla/preview", {"start": start, "period": period})
        assert answer.json() == {"due_at": due_at, "provisional": provisional}


BAD_PREVIEWS: list[tuple[Any, ...]] = [
    ({"start": "2026-09-18T16:00:00"}, 422),
    ({"period": {"count": 0, "unit": "day"}}, 422),
    ({"period": {"count": 1, "unit": "week"}}, 422),
    ({"period": {"count": 1, "unit": "hour", "roll": True}}, 422),
    ({"period": {"count": 5_000_000, "unit": "day"}}, 422),
    ({"calendar": "mars"}, 404),
]


async def test_a_preview_that_means_nothing(office: Office) -> None:
    for change, status in BAD_PREVIEWS:
        body = {"start": "2026-09-18T16:00:00+08:00", "period": {"count": 1, "unit": "day"}, **change}
        assert (await office.reader.post("/v1/sla/preview", body)).status_code == status


async def test_a_new_version_of_a_policy_leaves_the_old_one_readable(office: Office) -> None:
    body = {"name": "general", "timers": {"T_SIGN": "1 working_day", "T_RESOLVE": "3 working_day"}}
    changed = await office.admin.put("/v1/sla-policies/G5D", body, If_Match='"v1"')
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"v2"')
    old = (await office.reader.get("/v1/sla-policies/G5D?version=1")).json()
    new = (await office.reader.get("/v1/sla-policies/G5D")).json()
    assert old["timers"]["T_RESOLVE"]["period"] == "5 working_day"
    assert new["timers"]["T_RESOLVE"] == {
        "period": "3 working_day",
        "same_day_end": False,
        "statutory": False,
        "warnings": ["L0", "L1", "L2"],
    }
    assert (await office.admin.put("/v1/sla-policies/G5D", body)).headers["ETag"] == '"v2"'
    assert (await office.admin.put("/v1/sla-policies/G5D", body, If_Match='"v1"')).status_code == 412


async def test_a_new_policy_is_created(office: Office) -> None:
    body = {"timers": {"T_RESOLVE": {"same_day_end": True}}, "milestones": {"interim": "1 day"}}
    assert (await office.admin.put("/v1/sla-policies/TODAY", body)).status_code == 201
    codes = [item["code"] for item in (await office.reader.get("/v1/sla-policies?limit=100")).json()["items"]]
    assert len(codes) == 13
    assert codes == sorted(codes)


BAD_POLICIES: list[tuple[Any, ...]] = [
    ({"timers": {"T_SIGN": "1 hour"}}, "/timers/T_RESOLVE"),
    ({"timers": {"T_RESOLVE": "0 day"}}, "/timers/T_RESOLVE"),
    ({"natural_clock": True}, "/timers/T_RESOLVE"),
    ({"extension": {"period": "0 day"}}, "/extension/period"),
]


async def test_a_policy_is_refused_by_field(office: Office) -> None:
    for change, field in BAD_POLICIES:
        refused = await office.admin.put("/v1/sla-policies/G5D", {"timers": {"T_RESOLVE": "1 working_day"}, **change})
        assert refused.status_code == 422
        assert [error["field"] for error in refused.json()["errors"]] == [field]


CALENDAR = {"time_zone": "America/New_York", "known_until": "2026-12-31", "exceptions": {"2026-11-26": "off"}}


async def test_a_second_calendar_is_not_the_citys_until_it_is_made_so(office: Office) -> None:
    created = await office.admin.put("/v1/calendars/boston", CALENDAR)
    assert (created.status_code, created.json()["default"]) == (201, False)
    question = {"start": "2026-11-25T12:00:00-05:00", "period": {"count": 1, "unit": "working_day"}}
    named = await office.reader.post("/v1/sla/preview", {**question, "calendar": "boston"})
    assert named.json()["due_at"] == "2026-11-28T05:00:00Z"
    made = await office.admin.put("/v1/calendars/boston", {**CALENDAR, "default": True})
    assert (made.json()["default"], made.json()["version"]) == (True, 1)
    assert (await office.reader.post("/v1/sla/preview", question)).json() == named.json()
    listed = (await office.reader.get("/v1/calendars")).json()["items"]
    assert [(item["code"], item["default"]) for item in listed] == [("boston", True), ("cn", False)]


async def test_next_years_list_makes_a_new_version_and_ends_the_doubt(office: Office) -> None:
    now = (await office.reader.get("/v1/calendars/cn")).json()
    body = {name: now[name] for name in ("time_zone", "frames", "rest_weekdays")}
    longer = {**body, "known_until": "2027-12-31", "exceptions": {**now["exceptions"], "2027-01-01": "off"}}
    changed = await office.admin.put("/v1/calendars/cn", longer, If_Match='"v1"')
    assert (changed.headers["ETag"], changed.json()["default"]) == ('"v2"', True)
    question = {"start": "2026-12-31T09:00:00+08:00", "period": {"count": 1, "unit": "working_day"}}
    assert (await office.reader.post("/v1/sla/preview", question)).json() == {
        "due_at": "2027-01-04T16:00:00Z",
        "provisional": False,
    }
    assert (await office.reader.get("/v1/calendars/cn?version=1")).json()["known_until"] == "2026-12-31"


BAD_CALENDARS: list[tuple[Any, ...]] = [
    ({"time_zone": "Asia/Atlantis"}, "/time_zone"),
    ({"exceptions": {"2026-02-30": "off"}}, "/exceptions"),
    ({"frames": [["12:00", "08:30"]]}, "/frames/0"),
    ({"known_until": "soon"}, "/known_until"),
]


async def test_a_calendar_is_refused_by_field(office: Office) -> None:
    for change, field in BAD_CALENDARS:
        refused = await office.admin.put("/v1/calendars/x", {**CALENDAR, **change})
        assert refused.status_code == 422
        assert [error["field"] for error in refused.json()["errors"]] == [field]
