"""Brings the databases to where the services can start: migrated, with a city and demo keys.

`python -m deploy.prepare`, a child of the stack. Everything here finds its work done on a later start. What
goes wrong is the last line it writes, and exit code 1.
"""

import asyncio
import contextlib
import sys
from collections.abc import Mapping
from pathlib import Path

import asyncpg
from sqlalchemy.engine import make_url

from deploy.errors import StackError
from deploy.settings import StackSettings, write_private
from shared.clock import SystemClock
from shared.db.migrations import current, script_directory, upgrade
from shared.vocabulary import Service

CONNECT_TIMEOUT_SECONDS = 5.0
CITY_STAMP = "city.loaded"
Urls = Mapping[Service, str]


async def check_servers(urls: Urls, redis_url: str | None) -> None:
    """Raise StackError, without any password in it, naming the first server that does not answer."""
    for service, url in urls.items():
        variable = f"{service.name}_DATABASE_URL"
        try:
            connection = await _connect(url)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            reason = str(error) or "no answer in time"
            raise StackError(f"PostgreSQL at {_place(url)} does not answer ({variable}): {reason}") from error
        await connection.close()
    if redis_url is not None:
        await _check_redis(redis_url)


async def _check_redis(url: str) -> None:
    from redis.asyncio import Redis
    from redis.exceptions import RedisError

    try:
        client = Redis.from_url(
            url, socket_connect_timeout=CONNECT_TIMEOUT_SECONDS, socket_timeout=CONNECT_TIMEOUT_SECONDS
        )
    except ValueError as error:
        raise StackError(f"REDIS_URL is not an address of Redis: {error}") from error
    try:
        await client.ping()
    except (OSError, RedisError) as error:
        raise StackError(f"Redis at {_place(url)} does not answer (REDIS_URL): {error}") from error
    finally:
        await client.aclose()


async def _connect(url: str) -> asyncpg.Connection:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return await asyncpg.connect(plain, timeout=CONNECT_TIMEOUT_SECONDS)


def _place(url: str) -> str:
    parts = make_url(url)
    host = parts.host or parts.query.get("host") or "localhost"
    return f"{host}:{parts.port}" if parts.port else str(host)


async def migrate(urls: Urls) -> dict[Service, str]:
    """Bring every service's schema to its newest revision; returns those that have changed."""
    changed = {}
    for service, url in urls.items():
        before, head = await current(service, url), script_directory(service).get_current_head()
        if before == head or head is None:
            continue
        await upgrade(service, url)
        changed[service] = head
    return changed


async def load_city_once(urls: Urls, pack: Path, stamp: Path) -> str | None:
    """Load the pack into an empty system and say what was loaded; never over what people have changed since."""
    if await department_codes(urls[Service.DISPATCH]) and not _is_unfinished(stamp):
        return None
    from deploy.city import PackInvalid
    from deploy.city.load import load_city

    try:
        report = await load_city(pack, urls)
    except PackInvalid as error:
        count = len(error.faults)
        raise StackError(
            f"the city pack {pack} has {count} fault(s), the first: {error.faults[0]}; "
            f"all of them: minqing city check {pack}"
        ) from error
    with contextlib.suppress(OSError):
        write_private(stamp, f"{pack.name}\n")
    return " ".join(str(report).split())


def _is_unfinished(stamp: Path) -> bool:
    """An embedded database whose first loading was interrupted; on servers of yours nothing is ever loaded twice."""
    return stamp.parent.joinpath("postgres").exists() and not stamp.exists()


async def department_codes(url: str) -> list[str]:
    """Every department that holds or held tickets: the demo needs a key for each."""
    connection = await _connect(url)
    try:
        rows = await connection.fetch("SELECT DISTINCT code FROM dispatch.departments ORDER BY code LIMIT 10000")
    finally:
        await connection.close()
    return [row["code"] for row in rows]


async def prepare(settings: StackSettings) -> None:
    """Check, migrate, load, make keys; one line for each thing that was done."""
    from deploy.keys import ensure_demo_keys

    urls = settings.database_urls
    if urls is None:
        raise StackError("INTAKE_DATABASE_URL, DISPATCH_DATABASE_URL and FEEDBACK_DATABASE_URL are not set")
    await check_servers(urls, settings.redis_url)
    for service, revision in (await migrate(urls)).items():
        print(f"  {service.value:<9} schema brought to {revision}")
    if settings.city is not None:
        loaded = await load_city_once(urls, settings.city, settings.data_dir / CITY_STAMP)
        if loaded is not None:
            print(f"  city      {loaded}")
        await ensure_demo_keys(
            urls, settings.keys_file, await department_codes(urls[Service.DISPATCH]), clock=SystemClock()
        )


def main() -> int:
    try:
        asyncio.run(prepare(StackSettings.load()))
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
