"""Each service has its own schema, role and migrations: nobody reaches into another's, and model equals DDL."""

import asyncio

import asyncpg
import pytest

from shared.db.migrations import current, differences, downgrade, script_directory, upgrade
from shared.vocabulary import Service

EVERY_SERVICE = pytest.mark.parametrize("service", list(Service))


async def fetch(url: str, sql: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        return list(await connection.fetch(sql))
    finally:
        await connection.close()


TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = '{schema}' ORDER BY 1"


@EVERY_SERVICE
async def test_the_tables_declared_are_the_tables_there(service: Service, database_urls: dict[Service, str]) -> None:
    assert await differences(service, database_urls[service]) == []


@EVERY_SERVICE
async def test_migrations_go_up_down_and_up_again(service: Service, blank_database_urls: dict[Service, str]) -> None:
    url = blank_database_urls[service]
    await upgrade(service, url)
    tables = await fetch(url, TABLES.format(schema=service.value))
    assert await current(service, url) == script_directory(service).get_current_head()
    await downgrade(service, url)
    left = [row["table_name"] for row in await fetch(url, TABLES.format(schema=service.value))]
    assert left == ["alembic_version"]
    await upgrade(service, url)
    assert await fetch(url, TABLES.format(schema=service.value)) == tables


@EVERY_SERVICE
async def test_two_migrations_at_once_do_not_collide(service: Service, blank_database_urls: dict[Service, str]) -> None:
    url = blank_database_urls[service]
    await asyncio.gather(upgrade(service, url), upgrade(service, url), upgrade(service, url))
    assert await current(service, url) == script_directory(service).get_current_head()


@pytest.mark.parametrize("role", list(Service))
@pytest.mark.parametrize("schema", list(Service))
async def test_a_role_is_refused_in_every_schema_but_its_own(
    role: Service, schema: Service, database_urls: dict[Service, str]
) -> None:
    tables = [row["table_name"] for row in await fetch(database_urls[schema], TABLES.format(schema=schema.value))]
    assert len(tables) > 5
    for table in tables:
        query = f"SELECT 1 FROM {schema.value}.{table} LIMIT 1"
        if role is schema:
            await fetch(database_urls[role], query)
        else:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await fetch(database_urls[role], query)


@EVERY_SERVICE
async def test_a_role_can_make_nothing_in_the_public_schema(
    service: Service, database_urls: dict[Service, str]
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await fetch(database_urls[service], "CREATE TABLE public.intruder (id int)")


async def test_no_foreign_key_or_view_crosses_a_schema(database_urls: dict[Service, str]) -> None:
    crossing = """
        SELECT conrelid::regclass::text, confrelid::regclass::text
        FROM pg_constraint k JOIN pg_class a ON a.oid = k.conrelid JOIN pg_class b ON b.oid = k.confrelid
        WHERE k.contype = 'f' AND a.relnamespace <> b.relnamespace
    """
    views = "SELECT viewname FROM pg_views WHERE schemaname IN ('intake', 'dispatch', 'feedback')"
    for url in database_urls.values():
        assert await fetch(url, crossing) == []
        assert await fetch(url, views) == []
