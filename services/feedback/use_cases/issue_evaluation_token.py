"""Gives out the token with which a citizen evaluates one round of one matter themselves, e.g. in a text message."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.feedback.db.callbacks import load_token, store_token
from services.feedback.domain.attempts import CallbackStatus
from services.feedback.domain.policy import FeedbackPolicy
from services.feedback.domain.records import Callback
from services.feedback.domain.tokens import TokenSigner
from services.feedback.use_cases.callback_access import Caller, take_callback
from shared.db.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class GivenToken:
    """A token and what it is for; the token itself is stored nowhere."""

    token: str
    callback: Callback
    expires_at: datetime


async def issue_evaluation_token(
    uow: UnitOfWork, callback_id: UUID, caller: Caller, *, signer: TokenSigner, policy: FeedbackPolicy
) -> GivenToken:
    """Return the callback's token, valid from now for the policy's lifetime (trap 18).

    Also of one that nobody has to make: a citizen who was answered at once may evaluate (T2). Asked again, it gives the
    same token and moves its end: a citizen who lost the message gets no second evaluation.
    Raises what `take_callback` raises; so the handling department cannot evaluate itself.
    """
    callback, _ = await take_callback(
        uow, callback_id, caller, move="issue_evaluation_token", statuses=(CallbackStatus.OPEN, CallbackStatus.OFFERED)
    )
    await store_token(uow, callback_id, expires_at=uow.now + policy.token_lifetime, issued_by=caller.actor)
    stored = await load_token(uow, callback_id)
    if stored is None:
        raise AssertionError("the token was stored in this transaction")
    return GivenToken(signer.token_for(callback_id), callback, stored.expires_at)
