"""`Database.transact`: commits before it returns, rolls back on any error, runs again after a lost race only."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from shared.clock import ManualClock, SystemClock
from shared.db.engine import Database, RetryTransaction, is_database_trouble, sqlstate_of
from shared.db.unit_of_work import UnitOfWork
from shared.vocabulary import Service


@pytest.fixture
async def database(blank_database_urls: dict[Service, str]) -> AsyncIterator[Database]:
    connected = Database.connect(
        blank_database_urls[Service.INTAKE],
        schema="intake",
        application_name="test",
        clock=SystemClock(),
        statement_timeout=timedelta(seconds=2),
        pool_timeout=timedelta(seconds=1),
        pool_size=4,
    )
    async with connected.engine.begin() as connection:
        await connection.execute(text("CREATE TABLE intake.account (id int PRIMARY KEY, balance int NOT NULL)"))
        await connection.execute(text("INSERT INTO intake.account VALUES (1, 0), (2, 0)"))
    yield connected
    await connected.dispose()


async def add(uow: UnitOfWork, account: int, amount: int = 1) -> None:
    sql = text("UPDATE intake.account SET balance = balance + :n WHERE id = :id")
    await uow.connection.execute(sql, {"n": amount, "id": account})


async def balance(database: Database, account: int) -> int:
    async with database.engine.connect() as connection:
        sql = text("SELECT balance FROM intake.account WHERE id = :id")
        return int((await connection.execute(sql, {"id": account})).scalar_one())


async def test_the_commit_is_done_when_transact_returns(database: Database) -> None:
    seen_by_hook: list[bool] = []

    async def work(uow: UnitOfWork) -> str:
        await add(uow, 1)
        uow.after_commit(lambda: seen_by_hook.append(True))
        assert seen_by_hook == []
        return "result"

    assert await database.transact(work) == "result"
    assert await balance(database, 1) == 1
    assert seen_by_hook == [True]


async def test_any_error_rolls_back_and_gives_no_hint(database: Database) -> None:
    hints: list[bool] = []

    async def work(uow: UnitOfWork) -> None:
        await add(uow, 1)
        uow.after_commit(lambda: hints.append(True))
        raise LookupError

    with pytest.raises(LookupError):
        await database.transact(work)
    assert await balance(database, 1) == 0
    assert hints == []


async def test_a_deadlock_is_resolved_by_running_the_loser_again(database: Database) -> None:
    barrier = asyncio.Barrier(2)
    attempts = {"first": 0, "second": 0}

    async def transfer(name: str, one: int, other: int) -> None:
        async def work(uow: UnitOfWork) -> None:
            attempts[name] += 1
            await add(uow, one)
            if attempts[name] == 1:
                await barrier.wait()
            await add(uow, other)

        await database.transact(work)

    async with database.engine.begin() as connection:
        await connection.execute(text("SELECT 1"))
    await asyncio.gather(transfer("first", 1, 2), transfer("second", 2, 1))
    assert (await balance(database, 1), await balance(database, 2)) == (2, 2)
    assert sum(attempts.values()) == 3


async def test_a_serialisation_failure_runs_again(database: Database) -> None:
    attempts = 0

    async def work(uow: UnitOfWork) -> None:
        nonlocal attempts
        attempts += 1
        await uow.connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        await uow.connection.execute(text("SELECT * FROM intake.account"))
        if attempts == 1:
            async with database.engine.begin() as other:
                await other.execute(text("UPDATE intake.account SET balance = 10 WHERE id = 1"))
        await add(uow, 1)

    await database.transact(work)
    assert attempts == 2
    assert await balance(database, 1) == 11


async def test_a_request_to_run_again_is_bounded(database: Database) -> None:
    attempts = 0

    async def work(uow: UnitOfWork) -> None:
        nonlocal attempts
        attempts += 1
        await add(uow, 1)
        raise RetryTransaction

    with pytest.raises(RetryTransaction):
        await database.transact(work)
    assert attempts == 5
    assert await balance(database, 1) == 0


async def test_a_broken_constraint_is_not_run_again_and_is_not_trouble(database: Database) -> None:
    attempts = 0

    async def work(uow: UnitOfWork) -> None:
        nonlocal attempts
        attempts += 1
        await uow.connection.execute(text("INSERT INTO intake.account VALUES (1, 0)"))

    with pytest.raises(IntegrityError) as broken:
        await database.transact(work)
    assert attempts == 1
    assert sqlstate_of(broken.value) == "23505"
    assert not is_database_trouble(broken.value)


async def test_an_error_text_does_not_hold_the_parameters(database: Database) -> None:
    async def work(uow: UnitOfWork) -> None:
        await uow.connection.execute(text("SELECT CAST(:phone AS int) / 0"), {"phone": 138123456})

    with pytest.raises(DBAPIError) as broken:
        await database.transact(work)
    assert "138123456" not in str(broken.value)


async def test_a_statement_that_takes_too_long_is_ended(database: Database) -> None:
    async def work(uow: UnitOfWork) -> None:
        await uow.connection.execute(text("SELECT pg_sleep(30)"))

    with pytest.raises(DBAPIError) as ended:
        await database.transact(work)
    assert sqlstate_of(ended.value) == "57014"


async def test_a_lost_connection_is_trouble_and_the_next_transaction_works(database: Database) -> None:
    async def work(uow: UnitOfWork) -> None:
        await uow.connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(Exception) as lost:  # noqa: PT011 - which class depends on the driver; what counts is asserted
        await database.transact(work)
    assert is_database_trouble(lost.value)
    await database.transact(lambda uow: add(uow, 1))
    assert await balance(database, 1) == 1


async def test_a_server_that_is_not_there_is_trouble() -> None:
    absent = Database.connect(
        "postgresql://nobody@127.0.0.1:1/none", schema="intake", application_name="test", clock=SystemClock()
    )
    with pytest.raises(Exception) as refused:  # noqa: PT011 - as above
        await absent.transact(lambda uow: add(uow, 1))
    assert is_database_trouble(refused.value)
    await absent.dispose()


async def test_read_only_means_read_only(database: Database) -> None:
    with pytest.raises(DBAPIError) as refused:
        await database.transact(lambda uow: add(uow, 1), read_only=True)
    assert sqlstate_of(refused.value) == "25006"
    await database.transact(lambda uow: add(uow, 1))


async def test_all_that_one_transaction_stamps_carries_one_moment(
    blank_database_urls: dict[Service, str], manual_clock: ManualClock
) -> None:
    database = Database.connect(
        blank_database_urls[Service.INTAKE], schema="intake", application_name="test", clock=manual_clock
    )

    async def work(uow: UnitOfWork) -> bool:
        before = uow.now
        manual_clock.advance(timedelta(seconds=5))
        return uow.now == before

    assert await database.transact(work)
    await database.dispose()
