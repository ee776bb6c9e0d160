"""Moves that are decisions of the office: `appeals:write` alone is what an app has that hands in appeals."""

from typing import Annotated

from fastapi import Depends

from services.intake.api.moving import MoveRequest, TheMove
from shared.errors import Forbidden


async def _staff_move(move: TheMove) -> MoveRequest:
    """Return the request. Raises Forbidden for a credential that may hand in appeals but not read them."""
    if not move.principal.has("appeals:read"):
        raise Forbidden("Only staff who read appeals decide about them.", required_scopes=["appeals:read"])
    return move


TheStaffMove = Annotated[MoveRequest, Depends(_staff_move)]
