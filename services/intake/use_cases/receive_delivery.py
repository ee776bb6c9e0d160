"""A delivery of another system or a mail becomes an appeal exactly once, however often it arrives.

What cannot be read is kept sealed and told: nothing that reached us is lost, and nothing counts twice.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.intake.db.appeals import Row, find_appeal
from services.intake.db.inbound import (
    DeliveryOutcome,
    claim_delivery,
    find_delivery,
    find_email_hash,
    list_deliveries,
    save_outcome,
)
from services.intake.db.registration import NewAppeal, find_taken
from services.intake.db.vault import Sealed
from services.intake.domain.appeals import ExternalRef, Submission
from services.intake.domain.machine import OPEN
from services.intake.use_cases.carry_out_move import Mover
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.register_appeals import DuplicateExternalRef, RegisterAppeal, register_appeal
from services.intake.use_cases.urge_appeal import UrgeAppeal, urge_appeal
from shared.db.cursors import cut_page, decode_position
from shared.db.unit_of_work import UnitOfWork
from shared.errors import InvalidInput, NotFound
from shared.vocabulary import AppealStatus, Channel

REGISTERED: Final = "registered"
KNOWN: Final = "known"
URGED: Final = "urged"
IGNORED: Final = "ignored"
REJECTED: Final = "rejected"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery: whose it is, and under which number the sender will repeat it."""

    source: str
    delivery_id: str
    actor: str


@dataclass(frozen=True, slots=True)
class Received:
    """What a delivery led to. `new` is there only the first time: the access code is told once."""

    outcome: str
    appeal: Row | None
    new: NewAppeal | None = None
    is_duplicate: bool = False


async def receive_delivery(
    uow: UnitOfWork, desk: Desk, delivery: Delivery, submission: Submission, *, replies_to: Sequence[ExternalRef] = ()
) -> Received:
    """Register what was delivered, or find that it is on record: by its delivery number or its external reference.

    A mail that answers an earlier one of the same sender about a matter that is still open urges that matter. Raises
    InvalidInput for what cannot be an appeal; then nothing is written, and the caller has it kept by `reject_delivery`.
    """
    claimed = await claim_delivery(uow.connection, delivery.source, delivery.delivery_id, uow.now)
    if not claimed["is_new"] and claimed["outcome"] != REJECTED:
        return await _seen_before(uow, claimed)
    urged = await _urged(uow, desk, delivery, submission, replies_to)
    if urged is not None:
        await save_outcome(uow.connection, claimed["id"], DeliveryOutcome(URGED, urged["id"]), uow.now)
        return Received(URGED, urged)
    try:
        new = await register_appeal(uow, desk, RegisterAppeal(submission, delivery.actor, may_read=True))
    except DuplicateExternalRef as known:
        appeal_id = UUID(known.extra["appeal_id"])
        await save_outcome(uow.connection, claimed["id"], DeliveryOutcome(KNOWN, appeal_id), uow.now)
        return Received(KNOWN, await find_appeal(uow.connection, appeal_id), is_duplicate=True)
    await save_outcome(uow.connection, claimed["id"], DeliveryOutcome(REGISTERED, new.id), uow.now)
    return Received(REGISTERED, await find_appeal(uow.connection, new.id), new)


async def ignore_delivery(uow: UnitOfWork, delivery: Delivery) -> Received:
    """Record that a delivery is nobody's appeal: a bounce, an absence note, a list."""
    claimed = await claim_delivery(uow.connection, delivery.source, delivery.delivery_id, uow.now)
    if not claimed["is_new"] and claimed["outcome"] != REJECTED:
        return await _seen_before(uow, claimed)
    await save_outcome(uow.connection, claimed["id"], DeliveryOutcome(IGNORED), uow.now)
    return Received(IGNORED, None)


async def reject_delivery(
    uow: UnitOfWork, desk: Desk, delivery: Delivery, content: bytes, problem: InvalidInput
) -> None:
    """Keep a delivery that cannot be read, sealed, with what is wrong; the sender may repeat it under its number."""
    claimed = await claim_delivery(uow.connection, delivery.source, delivery.delivery_id, uow.now)
    if not claimed["is_new"] and claimed["outcome"] != REJECTED:
        return
    problems = [{"field": item.field, "problem": item.message} for item in problem.problems]
    sealed = desk.vault.seal(claimed["id"], {"content": content.decode("latin-1")})
    outcome = DeliveryOutcome(REJECTED, problems=problems or [{"field": "/", "problem": problem.detail}], sealed=sealed)
    await save_outcome(uow.connection, claimed["id"], outcome, uow.now)


async def read_deliveries(
    uow: UnitOfWork, source: str, *, outcome: str | None, cursor: str | None, limit: int
) -> tuple[list[Row], str | None]:
    """Return a page of a source's deliveries, the newest first. Raises InvalidInput for a cursor of another list."""
    after = decode_position(cursor)
    found = await list_deliveries(uow.connection, source, outcome=outcome, after=after, limit=limit + 1)
    return cut_page(found, limit, by="last_at")


async def open_rejected(uow: UnitOfWork, desk: Desk, source: str, id_: UUID) -> tuple[str, bytes]:
    """Return a rejected delivery's number and body, as it came, to be read under a better mapping. Raises NotFound."""
    row = await find_delivery(uow.connection, source, id_)
    if row is None or row["outcome"] != REJECTED or row["sealed"] is None:
        raise NotFound("There is no such rejected delivery.")
    record = Sealed(row["key_id"], bytes(row["wrapped_key"]), bytes(row["sealed"]))
    content: str = desk.vault.open(row["id"], record)["content"]
    return row["delivery_id"], content.encode("latin-1")


async def _seen_before(uow: UnitOfWork, claimed: Row) -> Received:
    appeal = await find_appeal(uow.connection, claimed["appeal_id"]) if claimed["appeal_id"] is not None else None
    return Received(claimed["outcome"], appeal, is_duplicate=True)


async def _urged(
    uow: UnitOfWork, desk: Desk, delivery: Delivery, submission: Submission, replies_to: Sequence[ExternalRef]
) -> Row | None:
    """Return the open matter of the same sender that this answers, urged; None when there is none."""
    email = submission.reporter.email if submission.reporter else None
    if email is None:
        return None
    earlier = await find_taken(uow.connection, [], [(reference.system, reference.id) for reference in replies_to])
    for appeal_id, _ in earlier.external.values():
        stored = await find_email_hash(uow.connection, appeal_id) or b""
        if not any(hmac.compare_digest(stored, hashed) for hashed in desk.vault.email_hashes(email)):
            continue
        row = await find_appeal(uow.connection, appeal_id)
        if row is not None and AppealStatus(row["seen_status"]) in OPEN:
            command = UrgeAppeal(appeal_id, note=submission.description[:500], channel=Channel.EMAIL)
            return await urge_appeal(uow, desk, command, Mover(delivery.actor))
    return None
