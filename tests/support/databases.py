"""A database of its own for every test, copied from a template that was migrated once: real commits, no leftovers."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from deploy.embedded import PostgresServer
from shared.vocabulary import Service

T = TypeVar("T")

BLANK_TEMPLATE = "template_blank"
MIGRATED_TEMPLATE = "template_migrated"
SERVICES_DIRECTORY = Path(__file__).parents[2] / "services"


def run_apart(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine in a thread with a loop of its own, so that the test's loop is never touched."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(lambda: asyncio.run(work())).result()


def has_migrations(service: Service) -> bool:
    versions = SERVICES_DIRECTORY / service.value / "migrations" / "versions"
    return any(not path.name.startswith("_") for path in versions.glob("*.py"))


def role_urls(server: PostgresServer, database: str) -> dict[Service, str]:
    """Each service's DSN: its own login role on the given database."""
    return {service: server.url(service.value, database) for service in Service}


async def migrate_all(urls: Mapping[Service, str]) -> None:
    """Bring every service that has migrations to its newest revision."""
    from shared.db.migrations import upgrade

    for service, url in urls.items():
        if has_migrations(service):
            await upgrade(service, url)


@dataclass
class DatabaseFactory:
    """Makes databases on one server: blank ones (roles and schemas only) and migrated ones."""

    server: PostgresServer
    _names: "count[int]" = field(default_factory=lambda: count(1))
    _ready: set[str] = field(default_factory=set)

    def create(self, *, migrated: bool) -> str:
        """Return the name of a fresh database; whoever asked drops it."""
        template = MIGRATED_TEMPLATE if migrated else BLANK_TEMPLATE
        self._ensure_template(template)
        name = f"test_{next(self._names)}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        return name

    def drop(self, name: str) -> None:
        self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _ensure_template(self, template: str) -> None:
        if template in self._ready:
            return
        self.server.create_roles(template)
        if template == MIGRATED_TEMPLATE:
            run_apart(lambda: migrate_all(role_urls(self.server, template)))
        self._ready.add(template)

    def _execute(self, statement: str) -> None:
        async def execute() -> None:
            connection = await asyncpg.connect(self.server.url(database="postgres", driver="postgresql"))
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        run_apart(execute)
