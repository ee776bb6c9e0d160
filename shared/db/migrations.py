"""Alembic, one environment per service, without boilerplate: advisory lock, lock time-out, version table of its own."""

from collections.abc import Callable
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.db.urls import async_url
from shared.vocabulary import Service

T = TypeVar("T")

VERSION_TABLE = "alembic_version"
LOCK_TIMEOUT = "5s"
_ADVISORY_LOCK_CLASS = 0x6D71  # "mq"


def script_directory(service: Service) -> ScriptDirectory:
    """Return the migration scripts of one service."""
    location = Path(str(files(f"services.{service.value}.migrations")))
    config = Config()
    config.set_main_option("script_location", str(location))
    config.set_main_option("version_locations", str(location / "versions"))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


async def upgrade(service: Service, url: str, revision: str = "head") -> None:
    """Bring a service's schema to `revision`. Two at once are safe: the second waits, then finds nothing to do."""
    script = script_directory(service)
    await _run(service, url, script, lambda rev, _ctx: script._upgrade_revs(revision, rev), revision)  # type: ignore[arg-type, unused-ignore]


async def downgrade(service: Service, url: str, revision: str = "base") -> None:
    """Take a service's schema back to `revision`; "base" removes everything the service made."""
    script = script_directory(service)
    await _run(service, url, script, lambda rev, _ctx: script._downgrade_revs(revision, rev), revision)  # type: ignore[arg-type, unused-ignore]


async def current(service: Service, url: str) -> str | None:
    """Return the revision a service's schema is at, or None before the first migration."""

    def read(connection: sa.Connection) -> str | None:
        options = {"version_table_schema": service.value}
        return MigrationContext.configure(connection, opts=options).get_current_revision()

    return await _on_connection(url, read)


async def differences(service: Service, url: str) -> list[Any]:
    """Return what Alembic's autogenerate would still change: empty when the tables declared equal the DDL."""
    metadata: sa.MetaData = import_module(f"services.{service.value}.db.metadata").metadata

    def compare(connection: sa.Connection) -> list[Any]:
        def include_name(name: str | None, kind: str, _parents: Any) -> bool:
            return name == service.value if kind == "schema" else name != VERSION_TABLE

        options = {
            "include_schemas": True,
            "include_name": include_name,
            "compare_type": True,
            "compare_server_default": False,
            "version_table_schema": service.value,
        }
        # The role's own schema is its default one, whose name Alembic would leave out of what it finds.
        connection.execute(sa.text("SET search_path = pg_catalog"))
        connection.dialect.default_schema_name = "pg_catalog"
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    return await _on_connection(url, compare)


async def _run(
    service: Service,
    url: str,
    script: ScriptDirectory,
    steps: Callable[[Any, Any], Any],
    revision: str,
) -> None:
    def migrate(connection: sa.Connection) -> None:
        config = Config()
        with EnvironmentContext(config, script, fn=steps, destination_rev=revision) as environment:
            environment.configure(
                connection=connection,
                version_table=VERSION_TABLE,
                version_table_schema=service.value,
                transaction_per_migration=True,
            )
            connection.execute(sa.text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
            connection.execute(sa.text(f"SET search_path = {service.value}"))
            connection.commit()
            with environment.begin_transaction():
                environment.run_migrations()
            connection.commit()

    await _on_connection(url, migrate, lock=service)


async def _on_connection(url: str, work: Callable[[sa.Connection], T], lock: Service | None = None) -> T:
    engine = create_async_engine(async_url(url), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            if lock is None:
                return await connection.run_sync(work)
            key = {"space": _ADVISORY_LOCK_CLASS, "service": list(Service).index(lock)}
            await connection.execute(sa.text("SELECT pg_advisory_lock(:space, :service)"), key)
            await connection.commit()
            # The lock belongs to the session: it ends with this connection, also when the process is killed.
            return await connection.run_sync(work)
    finally:
        await engine.dispose()
