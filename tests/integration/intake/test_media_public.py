"""Photographs for the public: by a signed address that ends, and only of appeals that nobody kept to themselves."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.intake.use_cases.list_public_attachments import list_public_media
from tests.integration.intake.attachment_desk import add_file
from tests.integration.intake.office import Office
from tests.support import media_samples as samples


async def addresses(office: Office, *receipts: dict[str, Any]) -> dict[str, str]:
    ids = [UUID(receipt["id"]) for receipt in receipts]
    found = await office.database.transact(lambda uow: list_public_media(uow, office.desk, ids))
    return {str(appeal_id): path for appeal_id, path in found.items()}


async def test_the_first_photograph_is_public_by_its_address_alone(office: Office) -> None:
    receipt, without = await office.register(), await office.register()
    await add_file(office, receipt["id"], samples.text())
    await add_file(office, receipt["id"], samples.jpeg((64, 48)))
    await add_file(office, receipt["id"], samples.jpeg((32, 32)))

    found = await addresses(office, receipt, without)

    assert list(found) == [receipt["id"]]
    answer = await office.client.get(found[receipt["id"]])
    assert answer.status_code == 200
    assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == ("image/jpeg", "public, max-age=3600")
    assert answer.headers["Content-Disposition"].startswith("inline;")
    assert samples.SECRET not in answer.content
    assert receipt["id"] not in found[receipt["id"]]


async def test_an_address_ends_and_is_not_made_up(office: Office) -> None:
    receipt = await office.register()
    await add_file(office, receipt["id"], samples.jpeg())
    path = (await addresses(office, receipt))[receipt["id"]]

    changed = path[:-1] + ("A" if path[-1] != "A" else "B")
    for wrong in (changed, path[:-4], "/open311/v2/media/x", "/open311/v2/media/" + "A" * 48):
        assert (await office.client.get(wrong)).status_code == 404, wrong
    office.clock.advance(timedelta(hours=23))
    assert (await office.client.get(path)).status_code == 200
    office.clock.advance(timedelta(hours=25))
    assert (await office.client.get(path)).status_code == 404
    assert (await office.client.get((await addresses(office, receipt))[receipt["id"]])).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "report", "category_code": "1604"},
        {"reporter": {"name": "王五", "phone": "13812345678", "confidential": True}},
    ],
)
async def test_what_is_confidential_is_never_public(office: Office, changes: dict[str, Any]) -> None:
    receipt = await office.register(**changes)
    await add_file(office, receipt["id"], samples.jpeg())

    assert await addresses(office, receipt) == {}


async def test_a_withdrawn_photograph_is_public_no_more(office: Office) -> None:
    receipt = await office.register()
    added = await add_file(office, receipt["id"], samples.jpeg())
    path = (await addresses(office, receipt))[receipt["id"]]
    own = f"/v1/appeals/{receipt['id']}/attachments/{added['id']}?reason=personal_data"

    assert (await office.client.delete(own, headers=office.headers)).status_code == 200

    assert (await office.client.get(path)).status_code == 404
    assert await addresses(office, receipt) == {}


async def test_evidence_of_the_work_is_not_public(office: Office) -> None:
    receipt = await office.register()
    await add_file(office, receipt["id"], samples.jpeg(), purpose="after")

    assert await addresses(office, receipt) == {}
