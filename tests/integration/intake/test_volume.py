"""Volume comes out of the record: the figures of Haizhou, and what each appeal is counted as."""

from typing import Any

import pytest

from tests.integration.intake.office import Office, submission
from tests.integration.intake.test_consumers import case_closed, on_ledger

ALWAYS = {"from": "2020-01-01T00:00:00Z", "to": "2199-01-01T00:00:00Z"}


async def volume(office: Office, **query: str) -> list[dict[str, Any]]:
    answer = await office.get("/v1/volume", params={**ALWAYS, **query})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def register_many(office: Office, count: int) -> list[str]:
    ids: list[str] = []
    while len(ids) < count:
        items = [submission() for _ in range(min(500, count - len(ids)))]
        answer = await office.post("/v1/appeals/batch", {"items": items})
        assert answer.status_code == 200, answer.text
        ids += [item["id"] for item in answer.json()["items"]]
    return ids


@pytest.mark.slow
async def test_the_figures_of_haizhou_come_out_of_the_record(office: Office) -> None:
    """1,991 collected = 55 routed away + 1,931 finished + 5 not finished; 1,936 were told how it ended (HZ-14)."""
    ids = await register_many(office, 1_991)
    away, finished, ledger = ids[:55], ids[55:1_986], ids[1_986:]
    for appeal_id in away:
        body = {"explanation": "A matter between private owners.", "target_body": "The owners' assembly"}
        assert (await office.post(f"/v1/appeals/{appeal_id}/refer", body)).status_code == 200
    for start in range(0, len(finished), 500):
        await office.receive(*(office.envelope(id_, case_closed()) for id_ in finished[start : start + 500]))
    await office.receive(*(office.envelope(id_, on_ledger(round=1)) for id_ in ledger))

    [counted] = await volume(office)

    assert (counted["collected"], counted["routed_away"], counted["finished"], counted["unfinished"]) == (
        1_991,
        55,
        1_931,
        5,
    )
    assert (counted["fed_back"], counted["on_ledger"], counted["persons"]) == (1_936, 5, 1_991)


async def test_nothing_came_in(office: Office) -> None:
    [counted] = await volume(office)
    assert (counted["collected"], counted["persons"], counted["key"]) == (0, 0, None)
    assert await volume(office, group_by="category") == []


async def test_every_group_has_a_row_and_together_they_are_the_whole(office: Office) -> None:
    await office.register()
    await office.register(channel="app")
    await office.register(channel="app", location={"grid_code": "411002001002003"})

    by_channel = {row["key"]: row["collected"] for row in await volume(office, group_by="channel")}
    by_street = {row["key"]: row["collected"] for row in await volume(office, group_by="street")}

    assert by_channel == {"app": 2, "phone": 1}
    assert by_street == {"411002001": 1, None: 2}


async def test_an_open_appeal_is_unfinished_and_not_yet_fed_back(office: Office) -> None:
    await office.register()
    [counted] = await volume(office)
    assert (counted["unfinished"], counted["fed_back"], counted["finished"]) == (1, 0, 0)


async def test_a_period_ends_before_its_last_moment(office: Office) -> None:
    receipt = await office.register()
    created = receipt["created_at"]
    assert (await volume(office, to=created))[0]["collected"] == 0
    assert (await volume(office, **{"from": created}))[0]["collected"] == 1


async def test_a_period_that_ends_before_it_starts_is_refused(office: Office) -> None:
    answer = await office.get("/v1/volume", params={"from": ALWAYS["to"], "to": ALWAYS["from"]})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "/to")


async def test_a_department_does_not_see_the_volume_of_the_city(office: Office) -> None:
    key = await office.key("appeals:read", department_code="411002-urban")
    answer = await office.client.get("/v1/volume", params=ALWAYS, headers=key)
    assert answer.status_code == 403
