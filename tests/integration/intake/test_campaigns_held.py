"""Campaigns over the API: plans, dates, sessions with their appeals, what was missed, motions, monthly reports."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.integration.intake.office import Office, submission

# It is Monday 2 March 2026, 09:00 in the city.
CITY = ZoneInfo("Asia/Shanghai")
RECEPTION: dict[str, Any] = {
    "kind": "reception_day",
    "name": "领导接待日",
    "rule": "FREQ=MONTHLY;BYDAY=1TU",
    "starts_at": "2026-02-03T14:00",
    "duration_minutes": 180,
    "leader": "Director Wang",
    "place": "Hall 2",
    "grid_code": "411002001",
}
THURSDAY = {
    **RECEPTION,
    "kind": "service_day",
    "name": "便民星期四",
    "rule": "FREQ=WEEKLY",
    "starts_at": "2026-03-05T09:00",
}
TUESDAY = "2026-03-03T14:00:00+08:00"


async def put(office: Office, path: str, body: Any, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await office.client.put(path, json=body, headers={**office.headers, **named})


async def planned(office: Office, code: str = "R-1", **changes: Any) -> dict[str, Any]:
    answer = await put(office, f"/v1/campaigns/{code}", {**RECEPTION, **changes})
    assert answer.status_code in {200, 201}, answer.text
    view: dict[str, Any] = answer.json()
    return view


async def held(office: Office, code: str = "R-1", **changes: Any) -> dict[str, Any]:
    answer = await office.post(f"/v1/campaigns/{code}/sessions", {"occurrence_at": TUESDAY, **changes})
    assert answer.status_code == 201, answer.text
    session: dict[str, Any] = answer.json()
    return session


async def overdue(office: Office) -> list[tuple[str, str]]:
    items = (await office.get("/v1/campaigns/overdue")).json()["items"]
    return [(item["campaign_code"], local(item["starts_at"])) for item in items]


def local(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone(CITY).strftime("%m-%d %H:%M")


async def test_a_campaign_is_planned_with_its_leader_place_and_grid(office: Office) -> None:
    view = await planned(office, rule="rrule:freq=monthly;byday=1tu")

    assert view["rule"] == "FREQ=MONTHLY;BYDAY=1TU"
    assert (view["leader"], view["place"], view["grid_code"]) == ("Director Wang", "Hall 2", "411002001")
    assert (view["starts_at"], view["version"]) == ("2026-02-03T14:00", 1)
    assert (await office.get("/v1/campaigns?kind=reception_day")).json()["items"] == [view]
    assert (await office.get("/v1/campaigns?kind=talk_meeting")).json()["items"] == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"rule": "FREQ=SECONDLY"}, "/rule"),
        ({"rule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "/rule"),
        ({"rule": "every Tuesday"}, "/rule"),
        ({"starts_at": "2026-02-30T09:00"}, "/starts_at"),
        ({"starts_at": "1850-01-01T09:00"}, "/starts_at"),
        ({"starts_at": "2026-02-03T14:00:00+08:00"}, "/starts_at"),
        ({"duration_minutes": 0}, "/duration_minutes"),
        ({"leader": ""}, "/leader"),
        ({"entry_point_code": "W-404"}, "/entry_point_code"),
    ],
)
async def test_a_plan_that_cannot_be_is_told_why(shut_office: Office, changes: dict[str, Any], field: str) -> None:
    answer = await put(shut_office, "/v1/campaigns/R-1", {**RECEPTION, **changes})

    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert await shut_office.rows("campaigns") == []


async def test_its_dates_are_those_of_the_city(office: Office) -> None:
    await planned(office)
    path = "/v1/campaigns/R-1/occurrences?from=2026-03-01T00:00:00%2B08:00&to=2026-06-01T00:00:00%2B08:00"

    found = (await office.get(path)).json()

    assert [local(date["starts_at"]) for date in found["items"]] == ["03-03 14:00", "04-07 14:00", "05-05 14:00"]
    assert [local(date["ends_at"]) for date in found["items"][:1]] == ["03-03 17:00"]
    too_long = "/v1/campaigns/R-1/occurrences?from=2026-03-01T00:00:00Z&to=2036-06-01T00:00:00Z"
    assert (await office.get(too_long)).status_code == 422
    assert (await office.get("/v1/campaigns/X-1/occurrences")).status_code == 404


async def test_a_retired_campaign_has_no_more_dates(office: Office) -> None:
    await planned(office)
    await planned(office, retired=True)

    assert (await office.get("/v1/campaigns/R-1/occurrences")).json()["items"] == []


MEETINGS = [
    ("reception_day", "reception_day", "FREQ=MONTHLY;BYDAY=1TU", "2026-02-03T14:00"),
    ("deputy_station", "deputy_reception", "FREQ=WEEKLY;BYDAY=TU", "2026-02-03T14:00"),
    ("talk_meeting", "talk_meeting", "FREQ=YEARLY;BYMONTH=3,9;BYDAY=1TU", "2025-09-02T14:00"),
    ("visit", "visit_plan", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", "2026-02-03T14:00"),
]


@pytest.mark.parametrize(("channel", "kind", "rule", "starts_at"), MEETINGS)
async def test_several_appeals_come_from_one_session(
    office: Office, channel: str, kind: str, rule: str, starts_at: str
) -> None:
    await planned(office, kind=kind, rule=rule, starts_at=starts_at)
    session = await held(office, visitors=2, deputies=["Deputy Sun"])
    details = {"session_id": session["id"]}
    named = [await office.register(channel=channel, channel_details=details, title=f"Matter {n}") for n in (1, 2)]
    await office.register(channel=channel)

    view = (await office.get(f"/v1/sessions/{session['id']}")).json()

    assert sorted(appeal["id"] for appeal in view["appeals"]) == sorted(receipt["id"] for receipt in named)
    assert (view["leader"], view["place"], view["visitors"]) == ("Director Wang", "Hall 2", 2)
    assert view["held_at"] == view["occurrence_at"]


async def test_visitors_of_a_session_are_told_apart_by_their_number(office: Office) -> None:
    await planned(office)
    details = {"session_id": (await held(office))["id"], "leader": "Director Wang"}
    for number in (1, 2):
        await office.register(channel="reception_day", channel_details={**details, "visitor_number": number})

    view = (await office.get(f"/v1/sessions/{details['session_id']}")).json()

    assert sorted(appeal["visitor_number"] for appeal in view["appeals"]) == [1, 2]


async def test_a_session_belongs_to_the_channel_of_its_campaign(office: Office) -> None:
    await planned(office)
    session = await held(office)

    wrong = submission(channel="deputy_station", channel_details={"session_id": session["id"]})
    nobody = submission(channel="reception_day", channel_details={"session_id": "0192f0c1-2345-7890-8abc-def012345678"})

    assert "is a session of a reception_day" in (await office.post("/v1/appeals", wrong)).text
    assert "there is no such session" in (await office.post("/v1/appeals", nobody)).text


async def test_only_a_date_of_the_plan_can_be_held_and_the_nearest_are_told(office: Office) -> None:
    await planned(office)

    answer = await office.post("/v1/campaigns/R-1/sessions", {"occurrence_at": "2026-03-04T14:00:00+08:00"})

    [error] = answer.json()["errors"]
    assert (answer.status_code, error["field"]) == (422, "/occurrence_at")
    assert error["allowed"][0] == TUESDAY


async def test_a_date_is_recorded_once(office: Office) -> None:
    await planned(office)
    body = {"occurrence_at": TUESDAY}
    first = await office.post("/v1/campaigns/R-1/sessions", body, Idempotency_Key="s-1")
    replay = await office.post("/v1/campaigns/R-1/sessions", body, Idempotency_Key="s-1")
    again = await office.post("/v1/campaigns/R-1/sessions", body)

    assert (first.status_code, replay.content) == (201, first.content)
    assert (again.status_code, again.json()["code"]) == (409, "session_on_record")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"occurrence_at": "2026-04-07T14:00:00+08:00"}, "/occurrence_at"),
        ({"held_at": "2026-03-04T14:00:00+08:00"}, "/held_at"),
        ({"cancelled_reason": "flood", "visitors": 3}, "/cancelled_reason"),
    ],
)
async def test_a_session_that_cannot_be_is_refused(office: Office, changes: dict[str, Any], field: str) -> None:
    await planned(office)

    answer = await office.post("/v1/campaigns/R-1/sessions", {"occurrence_at": TUESDAY, **changes})

    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_session_is_completed_afterwards(office: Office) -> None:
    await planned(office)
    session = await held(office)

    done = await put(
        office, f"/v1/sessions/{session['id']}", {"visitors": 12, "leader": "Director Liu"}, If_Match='"v1"'
    )
    stale = await put(office, f"/v1/sessions/{session['id']}", {"visitors": 13}, If_Match='"v1"')

    assert (done.status_code, done.json()["visitors"], done.json()["leader"]) == (200, 12, "Director Liu")
    assert (done.headers["ETag"], stale.status_code) == ('"v2"', 412)
    listed = (await office.get("/v1/campaigns/R-1/sessions")).json()["items"]
    assert [(one["id"], one["visitors"]) for one in listed] == [(session["id"], 12)]


async def test_dates_that_nobody_held_are_overdue_after_the_grace(office: Office) -> None:
    await planned(office, "R-1")
    await planned(office, "T-1", **THURSDAY)
    assert await overdue(office) == []

    office.clock.advance(timedelta(days=2, hours=7, minutes=59))
    assert await overdue(office) == []
    office.clock.advance(timedelta(minutes=1))
    assert await overdue(office) == [("R-1", "03-03 14:00")]
    office.clock.advance(timedelta(days=9))
    assert await overdue(office) == [("R-1", "03-03 14:00"), ("T-1", "03-05 09:00"), ("T-1", "03-12 09:00")]

    await held(office)
    await held(office, "T-1", occurrence_at="2026-03-05T09:00:00+08:00", cancelled_reason="flood")
    assert await overdue(office) == [("T-1", "03-12 09:00")]


async def test_a_new_plan_owes_nothing_of_the_past(office: Office) -> None:
    office.clock.advance(timedelta(days=30))
    await planned(office)
    assert await overdue(office) == []

    office.clock.advance(timedelta(days=10))
    assert await overdue(office) == [("R-1", "04-07 14:00")]
    await planned(office, rule="FREQ=WEEKLY;BYDAY=TU")
    assert await overdue(office) == []


async def test_an_appeal_can_lead_to_a_motion(office: Office) -> None:
    receipt = await office.register(channel="deputy_station", channel_details={"deputy": "Deputy Sun"})
    office.clock.advance(timedelta(days=1))
    motion = {
        "number": "2026-17",
        "body": "People's congress",
        "deputy": "Deputy Sun",
        "submitted_at": office.clock.now().isoformat(),
    }
    path = f"/v1/appeals/{receipt['id']}/motions"

    first = await office.post(path, motion)
    again = await office.post(path, motion)
    early = await office.post(path, {**motion, "number": "2", "submitted_at": "2026-03-01T00:00:00Z"})

    assert (first.status_code, again.status_code, early.status_code) == (201, 409, 422)
    found = (await office.get(path)).json()["items"]
    assert [(one["number"], one["deputy"]) for one in found] == [("2026-17", "Deputy Sun")]
    assert (await office.get("/v1/appeals/0192f0c1-2345-7890-8abc-def012345678/motions")).status_code == 404


REPORT = {"informant_id": "C-1", "month": "2026-02", "households": 98, "residents": 260, "floating_residents": 31}


async def chief(office: Office, code: str, **changes: Any) -> None:
    answer = await put(office, f"/v1/informants/{code}", {"role": "building_chief", **changes})
    assert answer.status_code == 201, answer.text


async def test_a_building_is_reported_once_a_month(office: Office) -> None:
    await chief(office, "C-1")

    first = await office.post("/v1/building-reports", REPORT | {"note": "call 13812345678"})
    again = await office.post("/v1/building-reports", REPORT)

    assert (first.status_code, again.status_code, again.json()["code"]) == (201, 409, "month_reported")
    listed = (await office.get("/v1/building-reports?month=2026-02")).json()["items"]
    assert [(one["informant_id"], one["residents"], one["note"]) for one in listed] == [("C-1", 260, "call [phone]")]
    assert await office.rows("appeals") == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"informant_id": "C-404"}, "/informant_id"),
        ({"month": "2026-04"}, "/month"),
        ({"month": "2026-13"}, "/month"),
        ({"households": -1}, "/households"),
    ],
)
async def test_a_report_that_cannot_be_is_refused(office: Office, changes: dict[str, Any], field: str) -> None:
    await chief(office, "C-1")

    answer = await office.post("/v1/building-reports", REPORT | changes)

    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_chiefs_who_owe_a_report_are_listed_and_late_after_the_due_day(office: Office) -> None:
    for code in ("C-1", "C-2", "C-3"):
        await chief(office, code)
    await chief(office, "C-4", active_from="2026-03-01")
    await office.post("/v1/building-reports", REPORT)

    february = (await office.get("/v1/building-reports/overdue?month=2026-02&limit=1")).json()
    rest = (await office.get(f"/v1/building-reports/overdue?month=2026-02&cursor={february['next_cursor']}")).json()

    assert [one["informant_id"] for one in february["items"] + rest["items"]] == ["C-2", "C-3"]
    assert (february["overdue"], local(february["due_at"])) == (False, "03-06 00:00")
    assert (await office.get("/v1/building-reports/overdue")).json()["month"] == "2026-01"
    office.clock.advance(timedelta(days=4))
    late = (await office.get("/v1/building-reports/overdue")).json()
    assert (late["month"], late["overdue"]) == ("2026-02", True)
