"""Signed deliveries (Standard Webhooks): HMAC-SHA256 over number, time and body, at most five minutes old."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Final

from standardwebhooks import Webhook, WebhookVerificationError

from shared.identity.principal import Unauthenticated

_HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
_LONGEST_ID: Final = 128
# Drawn anew by each process: it signs nothing, it only takes as long.
_NOBODYS: Final = secrets.token_bytes(32)


class BadSignature(Unauthenticated):
    """Nobody we know signed this. Which part does not fit is not told."""

    code = "bad_signature"
    title = "The signature does not fit"


def signed_delivery_id(body: bytes, headers: Mapping[str, str], known: Sequence[str]) -> str:
    """Return the delivery's number once one of the secrets fits. Raises BadSignature.

    Every secret is tried, so that an unknown source takes as long as a known one.
    """
    given = {name: headers.get(name, "") for name in _HEADERS}
    fits = False
    for secret in known or (_NOBODYS,):
        try:
            Webhook(secret).verify(body, dict(given), json_parse=False)
        except (WebhookVerificationError, ValueError):
            continue
        fits = True
    delivery_id = given["webhook-id"]
    if not fits or not 0 < len(delivery_id) <= _LONGEST_ID or not delivery_id.isprintable():
        raise BadSignature(
            "The headers webhook-id, webhook-timestamp and webhook-signature do not fit the body.",
            challenge="Standard-Webhooks",
        )
    return delivery_id
