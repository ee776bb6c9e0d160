"""Checks every service's migrations on a throw-away PostgreSQL; part of `make check`.

Up, the tables declared equal the DDL, down to nothing, up again; one head; a number for each file in order.
"""

import asyncio
import re
import shutil
import sys
import tempfile
from pathlib import Path

import asyncpg

from deploy.embedded import PostgresServer
from deploy.errors import StackError
from shared.db.migrations import VERSION_TABLE, differences, downgrade, script_directory, upgrade
from shared.vocabulary import Service

FILE_NAME = re.compile(r"[0-9]{4}_[a-z0-9_]+\.py")


def naming_faults(service: Service) -> list[str]:
    """What is wrong before a database is needed: several heads, file names out of order or without a number."""
    script = script_directory(service)
    heads = script.get_heads()
    faults = [] if len(heads) == 1 else [f"{service}: one head is wanted, there are {len(heads)}: {heads}"]
    names = sorted(path.name for path in Path(script.versions).glob("*.py") if path.name != "__init__.py")
    faults += [
        f"{service}: {name} is not named like 0001_what_it_does.py" for name in names if not FILE_NAME.fullmatch(name)
    ]
    in_order = [Path(revision.path).name for revision in reversed(list(script.walk_revisions()))]
    if not faults and in_order != names:
        faults.append(f"{service}: file names do not follow the order of the revisions: {in_order}")
    return faults


async def schema_faults(service: Service, url: str) -> list[str]:
    """Go up, compare, down and up again on an empty database of the service's own role."""
    faults = []
    await upgrade(service, url)
    faults += [
        f"{service}: the tables declared differ from the DDL: {difference}"
        for difference in await differences(service, url)
    ]
    await downgrade(service, url)
    faults += [f"{service}: downgrading leaves {name} behind" for name in await _objects(service, url)]
    await upgrade(service, url)
    return faults


async def _objects(service: Service, url: str) -> list[str]:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        rows = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace AND relname <> ALL($2)"
            " UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = $1::regnamespace"
            " UNION ALL SELECT typname FROM pg_type WHERE typnamespace = $1::regnamespace AND typtype IN ('e', 'd')",
            service.value,
            [VERSION_TABLE, f"{VERSION_TABLE}_pkc", f"{VERSION_TABLE}_pk", f"pk_{VERSION_TABLE}"],
        )
    finally:
        await connection.close()
    return [row[0] for row in rows]


def main() -> int:
    directory = Path(tempfile.mkdtemp(prefix="mq-"))
    server = PostgresServer(directory / "pg", durable=False)
    try:
        faults = [fault for service in Service for fault in naming_faults(service)]
        if not faults:
            server.start()
            server.create_roles()
            for service in Service:
                faults += asyncio.run(schema_faults(service, server.url(service.value)))
    except StackError as error:
        faults = [str(error)]
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults:
        print("migrations: up, down, up; tables equal the DDL")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
