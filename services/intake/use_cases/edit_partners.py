"""The directory of organisations the call centre is joined to (LZ-07): data of the city, never of the programme."""

from collections.abc import Callable
from dataclasses import replace

from services.intake.db import hand_overs
from services.intake.domain.hand_overs import EmergencyService, Partner
from shared.db.cursors import decode_cursor, encode_cursor
from shared.db.engine import RetryTransaction
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound

VersionCheck = Callable[[int | None], None]


async def put_partner(uow: UnitOfWork, wanted: Partner, *, check_version: VersionCheck) -> tuple[Partner, bool]:
    """Create, change or retire one organisation; return it and whether it is new. Raises StaleVersion."""
    stored = await hand_overs.find_partner(uow.connection, wanted.code, for_update=True)
    check_version(stored.version if stored is not None else None)
    if stored is not None and replace(wanted, version=stored.version) == stored:
        return stored, False
    saved = replace(wanted, version=stored.version + 1 if stored is not None else 1)
    if not await hand_overs.save_partner(uow.connection, saved, uow.now):
        raise RetryTransaction
    return saved, stored is None


async def get_partner(uow: UnitOfWork, code: str) -> Partner:
    """Return one organisation. Raises NotFound."""
    partner = await hand_overs.find_partner(uow.connection, code)
    if partner is None:
        raise NotFound("There is no such organisation.")
    return partner


async def list_partners(
    uow: UnitOfWork, *, service: EmergencyService | None, cursor: str | None, limit: int
) -> tuple[list[Partner], str | None]:
    """Return a page of the directory by code. Raises InvalidInput for a cursor of another list."""
    after = decode_cursor(cursor, (str,))[0] if cursor is not None else None
    found = await hand_overs.list_partners(uow.connection, service=service, after=after, limit=limit + 1)
    page = found[:limit]
    return page, encode_cursor(page[-1].code) if len(found) > limit else None
