"""The migration makes exactly the tables that are declared, takes all of them away again, and history only grows."""

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from shared.db.migrations import current, differences, downgrade, upgrade
from shared.vocabulary import Service
from tests.integration.intake.office import Office


async def test_the_declared_tables_equal_the_migrated_ones(database_urls: dict[Service, str]) -> None:
    assert await differences(Service.INTAKE, database_urls[Service.INTAKE]) == []


async def test_up_down_and_up_again(blank_database_urls: dict[Service, str]) -> None:
    url = blank_database_urls[Service.INTAKE]

    await upgrade(Service.INTAKE, url)
    await downgrade(Service.INTAKE, url)
    assert await current(Service.INTAKE, url) is None
    await upgrade(Service.INTAKE, url)

    assert await differences(Service.INTAKE, url) == []


@pytest.mark.parametrize(
    "statement", ["UPDATE intake.appeal_events SET actor = 'nobody'", "DELETE FROM intake.appeal_events"]
)
async def test_history_cannot_be_rewritten(office: Office, statement: str) -> None:
    await office.register()

    with pytest.raises(DBAPIError, match="never changed"):
        await office.database.transact(lambda uow: uow.connection.execute(sa.text(statement)))
