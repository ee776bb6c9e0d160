"""The quick way of POST /v1/appeals: one statement, shared with the requests beside it, reply and all."""

import orjson

from services.intake.api.views import created_fields
from services.intake.db.express import Entry, ExpressLane, KeptReply, NotPlain
from services.intake.db.registration import NewAppeal
from services.intake.use_cases.check_references import refers
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.register_appeals import RegisterAppeal, accepted_payload, prepare
from shared.db.engine import Database
from shared.errors import DomainError
from shared.http.dependencies import etag_of
from shared.http.idempotency import KeyIdentity, StoredReply, make_reply
from shared.observability.tracing import current_traceparent
from shared.vocabulary import AppealStatus

NO_STORE = {"Cache-Control": "no-store"}


async def register_express(
    lane: ExpressLane, desk: Desk, command: RegisterAppeal, identity: KeyIdentity | None, database: Database
) -> StoredReply | None:
    """Register an appeal and return the reply, or None when nothing was done and the ordinary way is to be taken.

    A repeated key must get its first reply even if the rules have changed since, so with a key a refusal by the rules
    is left to the ordinary way, which looks for that reply first; so is a joint appeal, whose list is sealed there,
    one whose channel details refer to a registry, which is asked there, and one without a category, for which
    categories are suggested there.
    """
    said = command.submission
    if said.category_code is None or said.joint is not None or refers(said):
        return None
    catalogue = await desk.catalogue.current(database)
    now = database.clock.now()
    try:
        new = prepare(desk, catalogue, command, now)
    except DomainError:
        if identity is None:
            raise
        return None
    reply = make_reply(201, *created_reply(new))
    try:
        await lane.register(
            Entry(
                new=new,
                payload=accepted_payload(new) if _is_accepted(new) else None,
                traceparent=current_traceparent(),
                reply=_kept(desk, reply, identity),
            )
        )
    except NotPlain:
        return None
    return reply


def created_reply(new: NewAppeal) -> tuple[bytes, dict[str, str]]:
    """Return body and headers of the answer to a registration."""
    headers = {"Location": f"/v1/appeals/{new.id}", "ETag": etag_of(1), **NO_STORE}
    return orjson.dumps(created_fields(new), option=orjson.OPT_UTC_Z), headers


def _is_accepted(new: NewAppeal) -> bool:
    return new.registered.status is AppealStatus.AWAITING_DISPATCH


def _kept(desk: Desk, reply: StoredReply, identity: KeyIdentity | None) -> KeptReply | None:
    if identity is None:
        return None
    body = desk.vault.seal_reply(reply.body, identity.id)
    headers = orjson.dumps(dict(reply.headers)).decode()
    return KeptReply(identity.id, identity.request_sha256, reply.status, headers, body)
