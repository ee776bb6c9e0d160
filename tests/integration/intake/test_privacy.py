"""Who may see who reported, who looked, what is destroyed when, and what a legal hold keeps."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from services.intake.db.tables import pii_access_log
from services.intake.db.tables_privacy import shreddings
from services.intake.domain.retention import RetentionPolicy
from services.intake.worker.retention_sweep import RetentionSweep
from shared.db.unit_of_work import UnitOfWork
from tests.integration.intake.attachment_desk import add_file, content_of, post_files
from tests.integration.intake.office import NAME, Office, submission
from tests.integration.intake.test_consumers import case_closed
from tests.support import media_samples as samples

DAY = timedelta(days=1)
WHY = {"reason": "the court asks"}


async def reveal(office: Office, receipt: dict[str, Any], key: dict[str, str] | None = None) -> Any:
    return await office.client.post(
        f"/v1/appeals/{receipt['id']}/reveal", json=WHY, headers=key if key is not None else office.headers
    )


async def decide(office: Office, request_id: str, key: dict[str, str], *, approved: bool) -> Any:
    body = {"approved": approved, "note": "seen the letter"}
    return await office.client.post(f"/v1/reveal-requests/{request_id}/decision", json=body, headers=key)


async def test_a_reporter_is_shown_after_a_second_person_allowed_it(office: Office) -> None:
    receipt = await office.register(type="report")
    second = await office.key("privacy:write")

    refused = await reveal(office, receipt)
    request_id = refused.json()["reveal_request_id"]
    allowed = await decide(office, request_id, second, approved=True)
    shown = await reveal(office, receipt)

    assert (refused.status_code, refused.json()["code"]) == (403, "two_persons_needed")
    assert allowed.status_code == 200, allowed.text
    assert shown.json()["reporter"]["name"] == NAME
    assert shown.json()["watermark"].startswith("key:")
    log = (await office.get(f"/v1/appeals/{receipt['id']}/access-log")).json()["items"]
    assert [(entry["kind"], entry["granted"]) for entry in log] == [("reveal", True), ("reveal", False)]


async def test_an_approval_is_for_who_asked_and_for_an_hour(office: Office) -> None:
    receipt = await office.register(type="report")
    second = await office.key("privacy:write", "appeals:reveal")
    request_id = (await reveal(office, receipt)).json()["reveal_request_id"]
    await decide(office, request_id, second, approved=True)

    by_the_second = await reveal(office, receipt, second)
    office.clock.advance(timedelta(hours=1))
    too_late = await reveal(office, receipt)

    assert by_the_second.status_code == too_late.status_code == 403


async def test_nobody_allows_their_own_request(office: Office) -> None:
    receipt = await office.register(type="report")
    request_id = (await reveal(office, receipt)).json()["reveal_request_id"]

    answer = await decide(office, request_id, office.headers, approved=True)

    assert (answer.status_code, answer.json()["code"]) == (403, "same_person")
    assert (await reveal(office, receipt)).status_code == 403


async def test_a_refused_request_shows_nothing_and_is_not_decided_twice(office: Office) -> None:
    receipt = await office.register(type="report")
    second = await office.key("privacy:write")
    request_id = (await reveal(office, receipt)).json()["reveal_request_id"]

    assert (await decide(office, request_id, second, approved=False)).json()["approved"] is False
    again = await decide(office, request_id, second, approved=True)

    assert (again.status_code, again.json()["code"]) == (409, "already_decided")
    asked_again = await reveal(office, receipt)
    assert asked_again.status_code == 403
    assert asked_again.json()["reveal_request_id"] != request_id


async def test_asking_twice_makes_one_request(office: Office) -> None:
    receipt = await office.register(type="report")

    first, again = await reveal(office, receipt), await reveal(office, receipt)

    assert first.json()["reveal_request_id"] == again.json()["reveal_request_id"]
    pending = (await office.get("/v1/reveal-requests?pending=true")).json()["items"]
    assert [request["id"] for request in pending] == [first.json()["reveal_request_id"]]


async def test_every_look_at_an_appeal_is_on_record(office: Office) -> None:
    receipt = await office.register()
    reader = await office.key("appeals:read")

    await office.client.get(f"/v1/appeals/{receipt['id']}", headers=reader)
    await reveal(office, receipt)

    log = (await office.get(f"/v1/appeals/{receipt['id']}/access-log")).json()["items"]
    assert [(entry["kind"], entry["reason"]) for entry in log] == [("reveal", WHY["reason"]), ("view", "")]
    assert len({entry["actor"] for entry in log}) == 2


async def test_the_access_log_is_not_for_everybody_who_reads(office: Office) -> None:
    receipt = await office.register()
    reader = await office.key("appeals:read", "appeals:review", "appeals:reveal")

    answer = await office.client.get(f"/v1/appeals/{receipt['id']}/access-log", headers=reader)

    assert answer.status_code == 403


@pytest.mark.parametrize("table", [pii_access_log, shreddings])
async def test_the_record_of_who_looked_cannot_be_rewritten(office: Office, table: sa.Table) -> None:
    receipt = await office.register()
    await office.get(f"/v1/appeals/{receipt['id']}")

    async def rewrite(uow: UnitOfWork) -> None:
        await uow.connection.execute(sa.delete(table))

    with pytest.raises(sa.exc.DBAPIError, match="never changed"):
        await office.database.transact(rewrite)


async def sweep(office: Office) -> None:
    await RetentionSweep(office.database, RetentionPolicy()).sweep()


async def closed_appeal(office: Office, **changes: Any) -> dict[str, Any]:
    receipt = await office.register(**changes)
    await office.tell(receipt["id"], case_closed(at=office.clock.now()))
    return receipt


async def content(office: Office, receipt: dict[str, Any]) -> Any:
    return (await reveal(office, receipt)).json().get("reporter")


async def test_people_are_forgotten_three_years_after_the_end_and_the_matter_stays(office: Office) -> None:
    receipt = await closed_appeal(office, joint={"households": 2, "signatories": ["王一", "王二"]})
    office.clock.advance(3 * 365 * DAY)
    await sweep(office)
    assert (await content(office, receipt))["name"] == NAME

    office.clock.advance(DAY)
    await sweep(office)

    assert await content(office, receipt) is None
    assert await office.rows("pii_vault") == []
    [version] = (await office.get(f"/v1/appeals/{receipt['id']}/signatories")).json()["items"]
    assert (version["intact"], version["persons"]) == (None, 2)
    shown = (await office.get(f"/v1/appeals/{receipt['id']}")).json()
    assert (shown["title"], shown["reporter"]["name"]) == (submission()["title"], None)
    [row] = await office.rows("shreddings")
    assert (row["what"], row["rule"]) == ("person", "person_after_end")


async def test_who_reported_is_forgotten_after_one_year(office: Office) -> None:
    report, complaint = await closed_appeal(office, type="report"), await closed_appeal(office)
    office.clock.advance(366 * DAY)

    await sweep(office)

    assert [str(row["appeal_id"]) for row in await office.rows("pii_vault")] == [complaint["id"]]
    assert [(str(row["appeal_id"]), row["rule"]) for row in await office.rows("shreddings")] == [
        (report["id"], "report_identity_after_end")
    ]


async def test_words_are_forgotten_after_ten_years_and_the_figures_stay(office: Office) -> None:
    receipt = await closed_appeal(office)
    office.clock.advance(3_651 * DAY)

    await sweep(office)

    shown = (await office.get(f"/v1/appeals/{receipt['id']}")).json()
    assert (shown["title"], shown["description"], shown["location"]["place"]) == ("", "", "")
    assert (shown["category_code"], shown["status"]) == ("0101", "closed")
    assert sorted(row["what"] for row in await office.rows("shreddings")) == ["body", "person"]
    before = len(await office.rows("shreddings"))
    await sweep(office)
    assert len(await office.rows("shreddings")) == before


async def test_an_open_appeal_is_never_forgotten(office: Office) -> None:
    receipt = await office.register()
    office.clock.advance(20 * 365 * DAY)

    await sweep(office)

    assert (await content(office, receipt))["name"] == NAME


async def test_a_legal_hold_keeps_everything_until_it_is_released(office: Office) -> None:
    receipt = await closed_appeal(office)
    placed = await office.post(f"/v1/appeals/{receipt['id']}/legal-holds", {"reason": "a law suit"})
    [hold] = placed.json()["items"]
    office.clock.advance(20 * 365 * DAY)
    await sweep(office)
    assert placed.status_code == 201
    assert (await content(office, receipt))["name"] == NAME

    path = f"/v1/appeals/{receipt['id']}/legal-holds/{hold['id']}/release"
    released = await office.post(path, {"reason": "judged"})
    again = await office.post(path, {"reason": "judged"})
    await sweep(office)

    assert (released.json()["items"][0]["release_reason"], again.status_code) == ("judged", 404)
    assert await content(office, receipt) is None
    assert (await office.get(f"/v1/appeals/{receipt['id']}")).json()["title"] == ""


async def test_an_appeal_with_two_holds_is_kept_while_one_stands(office: Office) -> None:
    receipt = await closed_appeal(office)
    path = f"/v1/appeals/{receipt['id']}/legal-holds"
    first = (await office.post(path, {"reason": "one"})).json()["items"][0]
    await office.post(path, {"reason": "two"})
    await office.post(f"{path}/{first['id']}/release", {"reason": "over"})
    office.clock.advance(20 * 365 * DAY)

    await sweep(office)

    assert (await content(office, receipt))["name"] == NAME


async def test_sound_is_forgotten_after_two_years_and_photographs_with_the_people(office: Office) -> None:
    receipt = await office.register()
    photo = await add_file(office, receipt["id"], samples.jpeg())
    sound = (await post_files(office, receipt["id"], ("call.wav", samples.wav(), "audio/wav"))).json()["items"][0]
    await office.tell(receipt["id"], case_closed(at=office.clock.now()))

    office.clock.advance(731 * DAY)
    await sweep(office)
    after_two_years = [(await content_of(office, file)).status_code for file in (photo, sound)]
    office.clock.advance(365 * DAY)
    await sweep(office)
    after_three_years = [(await content_of(office, file)).status_code for file in (photo, sound)]

    assert (after_two_years, after_three_years) == ([200, 410], [410, 410])
    assert {(row["what"], row["rule"]) for row in await office.rows("shreddings")} == {
        ("recording", "recording_after_end"),
        ("person", "person_after_end"),
    }
