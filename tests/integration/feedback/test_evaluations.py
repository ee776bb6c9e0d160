"""Citizens evaluate by token: once per matter and round, whoever is quicker, and never with a foreign token."""

import asyncio
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from services.feedback.db.tables import evaluations
from services.feedback.main import create_app
from services.feedback.settings import Settings
from shared.clock import ManualClock
from shared.db.unit_of_work import UnitOfWork
from shared.ids import uuid7
from tests.integration.feedback.desk import Desk, redo_started, resolution_accepted
from tests.support.running import running


async def evaluations_of(desk: Desk, appeal: UUID) -> int:
    async def read(uow: UnitOfWork) -> int:
        query = sa.select(sa.func.count()).where(evaluations.c.appeal_id == appeal)
        return int((await uow.connection.execute(query)).scalar_one())

    return await desk.database.transact(read)


@pytest.mark.parametrize(
    ("resolved", "satisfaction", "verdict"),
    [(True, 5, "closed"), (True, 1, "closed"), (False, 4, "closed"), (False, 1, "redo")],
)
async def test_the_citizens_word_ends_the_round(desk: Desk, resolved: bool, satisfaction: int, verdict: str) -> None:
    appeal = await desk.awaiting()
    token = await desk.token(appeal)

    answer = await desk.evaluate(token, resolved=resolved, satisfaction=satisfaction, comment="mail me: a@b.example")

    assert answer.status_code == 201
    assert (answer.json()["round"], answer.json()["verdict"]) == (1, verdict)
    case = await desk.case(appeal)
    assert case["rounds"][0]["verdict"] == verdict
    [given] = case["evaluations"]
    assert (given["source"], given["comment"]) == ("citizen", "mail me: [email]")


async def test_a_token_is_used_once(desk: Desk) -> None:
    appeal = await desk.awaiting()
    token = await desk.token(appeal)
    await desk.evaluate(token, resolved=True, satisfaction=5)

    again = await desk.evaluate(token, resolved=False, satisfaction=1)

    assert (again.status_code, again.json()["code"]) == (409, "token_used")
    assert (await desk.case(appeal))["satisfaction"] == 5


async def test_the_same_request_repeated_with_its_key_gets_the_first_answer(desk: Desk) -> None:
    token = await desk.token(await desk.awaiting())
    key = {"Idempotency-Key": "sms-1"}

    first = await desk.evaluate(token, key)
    second = await desk.evaluate(token, key)

    assert (first.status_code, second.content) == (201, first.content)
    assert second.headers["Idempotent-Replayed"] == "true"


async def test_of_many_submissions_at_once_one_wins(desk: Desk) -> None:
    appeal = await desk.awaiting()
    token = await desk.token(appeal)

    answers = await asyncio.gather(*(desk.evaluate(token, satisfaction=1 + n % 5) for n in range(8)))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 7}
    assert await evaluations_of(desk, appeal) == 1
    assert [kind for kind, _ in await desk.published(appeal)] == ["case.callback_opened", "case.closed"]


async def test_of_a_call_and_a_token_at_once_one_wins(desk: Desk) -> None:
    for _ in range(5):
        appeal = await desk.awaiting()
        token = await desk.token(appeal)
        callback = await desk.callback(appeal)

        call, own = await asyncio.gather(
            desk.attempt(callback["id"], outcome="reached", resolved=False, satisfaction=1),
            desk.evaluate(token, resolved=True, satisfaction=5),
        )

        assert sorted([call.status_code, own.status_code]) == [201, 409]
        assert await evaluations_of(desk, appeal) == 1
        expected = "redo" if call.status_code == 201 else "closed"
        assert (await desk.case(appeal))["rounds"][0]["verdict"] == expected


async def test_after_a_call_has_decided_the_token_says_so(desk: Desk) -> None:
    appeal = await desk.awaiting()
    token = await desk.token(appeal)
    await desk.answer(appeal, resolved=True, satisfaction=4)

    late = await desk.evaluate(token)

    assert (late.status_code, late.json()["code"]) == (409, "already_evaluated")


async def test_an_expired_token_is_gone(desk: Desk) -> None:
    appeal = await desk.awaiting()
    token = await desk.token(appeal)
    desk.clock.advance(timedelta(days=15))

    late = await desk.evaluate(token)

    assert (late.status_code, late.json()["code"]) == (410, "token_expired")
    assert (await desk.case(appeal))["status"] == "awaiting_callback"


async def test_given_out_again_it_is_the_same_token_and_lasts_longer(desk: Desk) -> None:
    appeal = await desk.awaiting()
    token = await desk.token(appeal)
    desk.clock.advance(timedelta(days=14))

    assert await desk.token(appeal) == token
    desk.clock.advance(timedelta(days=2))
    assert (await desk.evaluate(token)).status_code == 201


@pytest.mark.parametrize("token", ["x", "A" * 48, "诉求" * 10, "A" * 200])
async def test_an_unknown_token_is_not_found(desk: Desk, token: str) -> None:
    answer = await desk.evaluate(token)

    assert (answer.status_code, answer.json()["code"]) == (404, "token_unknown")


async def test_a_token_that_was_never_given_out_looks_unknown(desk: Desk) -> None:
    appeal = await desk.awaiting()
    callback = await desk.callback(appeal)

    for identity in (UUID(callback["id"]), uuid7()):
        forged = desk.app.state.signer.token_for(identity)
        assert (await desk.evaluate(forged)).status_code == 404


async def test_each_round_has_a_token_of_its_own(desk: Desk) -> None:
    appeal = await desk.awaiting()
    first = await desk.token(appeal)
    await desk.evaluate(first, resolved=False, satisfaction=1)
    await desk.tell(appeal, redo_started(), resolution_accepted(round=2, leg=2))

    second = await desk.token(appeal)

    assert second != first
    assert (await desk.evaluate(first)).status_code == 409
    answer = await desk.evaluate(second, resolved=False, satisfaction=2)
    assert (answer.json()["round"], answer.json()["verdict"]) == (2, "on_ledger")


async def test_no_token_is_given_out_for_a_decided_callback(desk: Desk) -> None:
    appeal = await desk.awaiting()
    callback = await desk.callback(appeal)
    await desk.answer(appeal, resolved=True)

    refused = await desk.client.post(f"/v1/callbacks/{callback['id']}/evaluation-token", headers=desk.headers)

    assert (refused.status_code, refused.json()["state"]) == (409, "decided")


async def test_the_public_door_is_rate_limited_by_address(
    feedback_settings: Settings, manual_clock: ManualClock
) -> None:
    strict = feedback_settings.model_copy(update={"public_rate_limit_per_second": 0.01, "public_rate_limit_burst": 3})
    async with running(create_app(strict, clock=manual_clock)) as client:
        body = {"token": "x", "resolved": True, "satisfaction": 5}
        answers = [await client.post("/v1/evaluations", json=body) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [404, 404, 404, 429, 429]
    assert int(answers[-1].headers["Retry-After"]) >= 1
