"""A new master key: records are wrapped anew, and what was hashed under the old one is still found."""

from typing import Any

import pytest
from pydantic import SecretStr

from services.intake.db.vault import Vault, VaultError
from services.intake.db.vault_rows import SEALED_TABLES
from services.intake.main import create_app
from services.intake.settings import Settings
from services.intake.use_cases.rotate_vault import (
    learn_retired_keys,
    retire_earlier_keys,
    rotate_table,
    vault_status,
)
from shared.clock import ManualClock
from shared.db.engine import Database
from tests.integration.intake.attachment_desk import add_file
from tests.integration.intake.office import NAME, PHONE, Office
from tests.support import media_samples as samples
from tests.support.polling import eventually
from tests.support.running import running

OLD, NEW, NEWEST = (
    "a-master-key-of-the-tests,-long-enough",
    "a-second-master-key-of-the-tests!",
    "a-third-master-key-of-the-tests,-yes",
)


async def rotate(database: Database, vault: Vault) -> int:
    await database.transact(lambda uow: retire_earlier_keys(uow, vault))
    return sum([await rotate_table(database, vault, where, batch=2) for where in SEALED_TABLES])


async def register_some(office: Office) -> list[dict[str, Any]]:
    joint = {"households": 1, "signatories": ["王一"]}
    return [await office.register() for _ in range(4)] + [await office.register(joint=joint)]


async def test_after_a_rotation_the_old_key_is_not_needed_any_more(
    office: Office, intake_settings: Settings, manual_clock: ManualClock
) -> None:
    receipts = await register_some(office)
    photo = await add_file(office, receipts[0]["id"], samples.jpeg())

    assert await rotate(office.database, Vault(NEW, earlier_keys=[OLD])) == 7

    settings = intake_settings.model_copy(update={"master_key": SecretStr(NEW)})
    async with running(create_app(settings, clock=manual_clock)) as client:
        headers = office.headers

        async def is_ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        ready: bool = await eventually(is_ready)
        assert ready
        shown = await client.post(f"/v1/appeals/{receipts[0]['id']}/reveal", json={"reason": "x"}, headers=headers)
        found = await client.post("/v1/appeals/search", json={"phone": PHONE}, headers=headers)
        tracked = await client.get(
            f"/v1/track/{receipts[0]['receipt_number']}",
            headers={**headers, "X-Access-Code": receipts[0]["access_code"]},
        )
        picture = await client.get(
            f"/v1/appeals/{receipts[0]['id']}/attachments/{photo['id']}/content", headers=headers
        )
    assert shown.json()["reporter"]["name"] == NAME
    assert picture.content.startswith(b"\xff\xd8")
    assert len(found.json()["items"]) == len(receipts)
    assert tracked.status_code == 200


async def test_a_second_rotation_takes_the_first_ones_keys_along(office: Office) -> None:
    receipt = (await register_some(office))[0]
    await rotate(office.database, Vault(NEW, earlier_keys=[OLD]))
    await rotate(office.database, Vault(NEWEST, earlier_keys=[NEW]))
    vault = Vault(NEWEST)

    await office.database.transact(lambda uow: learn_retired_keys(uow, vault))

    stored = {bytes(row["phone_hash"]) for row in await office.rows("pii_vault")}
    assert stored & set(vault.phone_hashes("+8613812345678"))
    status = await office.database.transact(lambda uow: vault_status(uow, vault))
    assert [(table.current, table.others) for table in status] == [(5, {}), (1, {}), (0, {}), (0, {}), (0, {})]
    assert receipt


async def test_a_rotation_that_is_repeated_changes_nothing(office: Office) -> None:
    await register_some(office)
    vault = Vault(NEW, earlier_keys=[OLD])

    assert (await rotate(office.database, vault), await rotate(office.database, vault)) == (6, 0)


async def test_without_the_old_key_nothing_is_rotated_and_nothing_lost(office: Office) -> None:
    await register_some(office)
    before = await office.rows("pii_vault")

    with pytest.raises(VaultError):
        await rotate(office.database, Vault(NEW))

    assert await office.rows("pii_vault") == before


async def test_a_process_that_cannot_open_the_former_keys_is_not_ready(
    office: Office, intake_settings: Settings, manual_clock: ManualClock
) -> None:
    await register_some(office)
    await rotate(office.database, Vault(NEW, earlier_keys=[OLD]))

    settings = intake_settings.model_copy(update={"master_key": SecretStr(NEWEST)})
    async with running(create_app(settings, clock=manual_clock)) as client:
        ready = await client.get("/readyz")

    assert (ready.status_code, ready.json()["missing"]) == (503, ["vault"])
