"""The embedded servers: roles that cannot see each other, crash and restart, one holder a directory, clear refusals."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from deploy.embedded import PostgresServer, RedisServer
from deploy.errors import StackError
from shared.vocabulary import Service
from tests.support.polling import eventually_sync
from tests.support.processes import is_alive


async def _run(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize("service", list(Service))
async def test_role_works_in_its_own_schema_and_is_refused_everywhere_else(
    blank_database_urls: dict[Service, str], service: Service
) -> None:
    await _run(blank_database_urls[service], "CREATE TABLE mine (id int)")
    for other in set(Service) - {service}:
        await _run(blank_database_urls[other], "CREATE TABLE theirs (id int)")
        for statement in (f"SELECT * FROM {other}.theirs", f"CREATE TABLE {other}.intruder (id int)"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await _run(blank_database_urls[service], statement)
        await _run(blank_database_urls[other], "DROP TABLE theirs")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await _run(blank_database_urls[service], "CREATE TABLE public.intruder (id int)")


def test_roles_can_be_created_again_without_harm(postgres: PostgresServer) -> None:
    postgres.create_roles("twice")
    postgres.create_roles("twice")


async def test_committed_rows_survive_kill_9_of_the_server(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = PostgresServer(tmp_path_factory.mktemp("pg"))
    server.start()
    try:
        server.create_roles()
        await _run(server.url("intake"), "CREATE TABLE kept AS SELECT 1 AS id")
        server.kill()
        server.start()
        await _run(server.url("intake"), "SELECT 1 / count(*) FROM kept")
    finally:
        server.stop()


def test_server_ends_with_the_process_that_started_it_and_starts_again_after(tmp_path: Path) -> None:
    program = (
        "import os, sys, pathlib; from deploy.embedded import PostgresServer, RedisServer\n"
        "base = pathlib.Path(sys.argv[1]); pg = PostgresServer(base / 'pg'); redis = RedisServer(base / 'redis')\n"
        "pg.start(); redis.start(); print(pg.pid, redis.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, check=False)
    assert done.returncode == -signal.SIGKILL
    pids = [int(word) for word in done.stdout.split()]
    postgres, redis = PostgresServer(tmp_path / "pg"), RedisServer(tmp_path / "redis")
    try:
        postgres.start()
        redis.start()
        assert not any(is_alive(pid) for pid in pids)
    finally:
        redis.stop()
        postgres.stop()


@pytest.mark.parametrize("kind", [PostgresServer, RedisServer])
def test_directory_of_a_running_server_is_refused(
    kind: type[PostgresServer] | type[RedisServer], tmp_path: Path
) -> None:
    first, second = kind(tmp_path), kind(tmp_path)
    first.start()
    try:
        with pytest.raises(StackError, match="in use by a running instance"):
            second.start()
        assert first.is_running()
    finally:
        first.stop()


@pytest.mark.parametrize("kind", [PostgresServer, RedisServer])
def test_directory_below_a_file_is_refused_in_one_line(
    kind: type[PostgresServer] | type[RedisServer], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StackError) as refusal:
        kind(tmp_path / "file" / "data").start()
    assert "cannot be written" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_foreign_files_in_the_data_directory_are_never_touched(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "thesis.txt").write_text("years of work")
    with pytest.raises(StackError, match="not PostgreSQL's"):
        PostgresServer(tmp_path).start()
    assert (tmp_path / "data" / "thesis.txt").read_text() == "years of work"


def test_stale_pid_file_with_a_reused_process_id_does_not_prevent_the_start(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path, durable=False)
    server.start()
    stale = (server.data / "postmaster.pid").read_text().splitlines()
    server.stop()
    (server.data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *stale[1:]]) + "\n")
    server.start()
    server.stop()


def test_socket_moves_to_a_short_directory_when_the_path_is_too_long(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / ("long" * 30), durable=False)
    server.start()
    try:
        assert server.answers()
        assert len(os.fsencode(server.socket_path)) <= 107
    finally:
        server.stop()


def test_redis_keeps_its_data_over_kill_9(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    server.start()
    try:
        server.command("SET", "key", "value")
        server.kill()
        server.start()
        eventually_sync(lambda: server.command("GET", "key") == b"$5\r\nvalue\r\n")
        assert b"noeviction" in server.command("CONFIG", "GET", "maxmemory-policy")
    finally:
        server.stop()
