"""The migration makes exactly the tables that are declared, and takes all of them away again."""

from shared.db.migrations import current, differences, downgrade, upgrade
from shared.vocabulary import Service


async def test_the_declared_tables_equal_the_migrated_ones(database_urls: dict[Service, str]) -> None:
    assert await differences(Service.DISPATCH, database_urls[Service.DISPATCH]) == []


async def test_up_down_and_up_again(blank_database_urls: dict[Service, str]) -> None:
    url = blank_database_urls[Service.DISPATCH]

    await upgrade(Service.DISPATCH, url)
    await downgrade(Service.DISPATCH, url)
    assert await current(Service.DISPATCH, url) is None
    await upgrade(Service.DISPATCH, url)

    assert await differences(Service.DISPATCH, url) == []
