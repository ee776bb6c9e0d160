"""What this service's endpoints ask for besides the common things: its rules' numbers, the token signer, the caller."""

import hashlib
from typing import Annotated, cast

from fastapi import Depends, Request

from services.feedback.domain.policy import FeedbackPolicy
from services.feedback.domain.tokens import TokenSigner
from services.feedback.use_cases.callback_access import Caller
from shared.http.rate_limits import RateLimiter
from shared.identity.principal import Principal


async def get_policy(request: Request) -> FeedbackPolicy:
    return cast("FeedbackPolicy", request.app.state.policy)


async def get_signer(request: Request) -> TokenSigner:
    return cast("TokenSigner", request.app.state.signer)


async def limit_by_address(request: Request) -> None:
    """Bound what one network address may try on a public route. Raises TooManyRequests.

    The address is hashed before it leaves the process: it is personal data.
    """
    address = request.client.host if request.client is not None else ""
    digest = hashlib.sha256(address.encode()).hexdigest()[:32]
    limiter = cast("RateLimiter", request.app.state.public_limiter)
    await limiter.take(f"public:{digest}")


def caller_of(principal: Principal) -> Caller:
    """Who acts, as the use cases know them."""
    return Caller(principal.actor, principal.department_code)


Policy = Annotated[FeedbackPolicy, Depends(get_policy)]
Signer = Annotated[TokenSigner, Depends(get_signer)]
