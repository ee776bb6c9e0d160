"""Personal data is in the vault and in no other column of any table; opening it leaves a trace."""

from typing import Any

import pytest
import sqlalchemy as sa

from services.intake.db.metadata import metadata
from shared.db.unit_of_work import UnitOfWork
from shared.ids import uuid7
from tests.integration.intake.office import NAME, Office

PHONE_FORMS = ("13812345678", "138-1234-5678", "138 1234 5678")
SECRETS = (*PHONE_FORMS, NAME, "mingzhu@example.org", "张无忌", "13900001111", "3号楼2单元501", "410102199003071234")
TOLD = (
    f"我叫{NAME}，电话138-1234-5678，身份证410102199003071234，"
    "邻居张无忌也知道（13900001111），邮箱mingzhu@example.org。"
)
FULL = {
    "title": f"{NAME}反映停水 13812345678",
    "description": TOLD,
    "location": {"address": "文峰路88号阳光小区3号楼2单元501", "grid_code": "411002001"},
    "reporter": {"name": NAME, "phone": "138 1234 5678", "email": "mingzhu@example.org"},
    "on_behalf_of": {"name": "张无忌", "phone": "13900001111"},
    "joint": {"households": 2, "signatories": [{"name": "张无忌", "phone": "13900001111"}]},
    "attributes": {"note": f"回拨 13812345678 {NAME}"},
}


async def dump(office: Office) -> str:
    """Every column of every table as text, bytes included."""

    def readable(value: Any) -> str:
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

    async def read(uow: UnitOfWork) -> str:
        cells = []
        for table in metadata.sorted_tables:
            for row in await uow.connection.execute(sa.select(table)):
                cells += [readable(value) for value in row]
        return "\n".join(cells)

    return await office.database.transact(read)


@pytest.mark.parametrize("type_", ["complaint", "report"])
async def test_no_table_holds_a_word_of_it_in_the_clear(office: Office, type_: str) -> None:
    created = await office.post("/v1/appeals", {"channel": "phone", "type": type_, "category_code": "0101", **FULL})
    assert created.status_code == 201, created.text
    batch = await office.post(
        "/v1/appeals/batch", {"items": [{"channel": "app", "type": type_, "category_code": "0203", **FULL}]}
    )
    assert batch.json()["created"] == 1

    everything = await dump(office)

    assert created.json()["receipt_number"] in everything
    assert [secret for secret in SECRETS if secret in everything] == []


async def test_access_codes_are_stored_nowhere_not_even_in_kept_replies(office: Office) -> None:
    from tests.integration.intake.office import submission

    one = await office.post("/v1/appeals", submission(), Idempotency_Key="one")
    many = await office.post("/v1/appeals/batch", {"items": [submission()]}, Idempotency_Key="many")

    everything = await dump(office)

    assert one.json()["access_code"] not in everything
    assert many.json()["items"][0]["access_code"] not in everything
    assert len(await office.rows("idempotency_keys")) == 2


async def test_a_place_keeps_the_street_and_loses_the_dwelling(office: Office) -> None:
    receipt = await office.register(location={"address": "文峰路88号阳光小区3号楼2单元501"})

    assert (await office.get(f"/v1/appeals/{receipt['id']}")).json()["location"]["place"] == "文峰路88号阳光小区"


async def test_revealing_returns_what_was_said_and_logs_why(office: Office) -> None:
    receipt = await office.register(**FULL)

    answer = await office.post(f"/v1/appeals/{receipt['id']}/reveal", {"reason": "citizen asked to be called"})

    shown = answer.json()
    assert answer.status_code == 200, shown
    assert answer.headers["Cache-Control"] == "no-store"
    assert shown["reporter"] == {"name": NAME, "phone": "+8613812345678", "email": "mingzhu@example.org"}
    assert shown["original"]["description"] == TOLD
    assert shown["original"]["address"] == "文峰路88号阳光小区3号楼2单元501"
    assert shown["signatories"][0]["name"] == "张无忌"
    [entry] = await office.rows("pii_access_log")
    assert (str(entry["appeal_id"]), entry["granted"]) == (receipt["id"], True)
    assert entry["reason"] == "citizen asked to be called"
    assert entry["actor"].startswith("key:")


async def test_a_reports_reporter_is_not_shown_and_the_attempt_is_logged(office: Office) -> None:
    receipt = await office.register(type="report")

    answer = await office.post(f"/v1/appeals/{receipt['id']}/reveal", {"reason": "curious"})

    assert (answer.status_code, answer.json()["code"]) == (403, "two_persons_needed")
    [entry] = await office.rows("pii_access_log")
    assert (entry["granted"], entry["reason"]) == (False, "curious")


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "  "}])
async def test_without_a_reason_nothing_is_shown(office: Office, body: dict[str, str]) -> None:
    receipt = await office.register()

    assert (await office.post(f"/v1/appeals/{receipt['id']}/reveal", body)).status_code == 422
    assert (await office.post(f"/v1/appeals/{uuid7()}/reveal", {"reason": "x"})).status_code == 404
    assert await office.rows("pii_access_log") == []


async def test_reading_appeals_does_not_allow_revealing(office: Office) -> None:
    receipt = await office.register()
    reader = await office.key("appeals:read", "appeals:write")

    assert (await office.post(f"/v1/appeals/{receipt['id']}/reveal", {"reason": "x"}, **reader)).status_code == 403


async def test_an_appeal_without_anything_personal_has_no_vault_row(office: Office) -> None:
    receipt = await office.register(reporter=None)

    assert await office.rows("pii_vault") == []
    shown = (await office.post(f"/v1/appeals/{receipt['id']}/reveal", {"reason": "check"})).json()
    assert (shown["reporter"], shown["original"]) == (None, {})
