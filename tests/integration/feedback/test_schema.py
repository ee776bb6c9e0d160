"""The migration makes exactly the tables that are declared, and takes all of them away again."""

from shared.db.migrations import current, differences, downgrade, upgrade
from shared.vocabulary import Service


async def test_the_declared_tables_equal_the_migrated_ones(database_urls: dict[Service, str]) -> None:
    assert await differences(Service.FEEDBACK, database_urls[Service.FEEDBACK]) == []


async def test_up_down_and_up_again(blank_database_urls: dict[Service, str]) -> None:
    url = blank_database_urls[Service.FEEDBACK]

    await upgrade(Service.FEEDBACK, url)
    await downgrade(Service.FEEDBACK, url)
    assert await current(Service.FEEDBACK, url) is None
    await upgrade(Service.FEEDBACK, url)

    assert await differences(Service.FEEDBACK, url) == []
