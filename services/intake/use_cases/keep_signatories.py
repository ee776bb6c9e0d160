"""Who signed a joint appeal: each version encrypted, sealed by a hash and chained to the one before (HZ-12).

The list is personal data and evidence at once: it is never changed, only followed by a new version, and what was
changed behind our back shows.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.intake.db.appeals import lock_appeal
from services.intake.db.groups import SealedList, add_lists, read_lists, save_counts
from services.intake.db.registration import NewAppeal
from services.intake.db.vault import Sealed, Vault, VaultError
from services.intake.domain import groups
from services.intake.domain.people import Joint
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.warn_of_group import warn_of_group, warn_of_joint_appeal
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, InvalidInput, NotFound

_NO_LIST_BEFORE = bytes(32)


@dataclass(frozen=True, slots=True)
class PutSignatories:
    """A new version of who signed, and why there is one."""

    appeal_id: UUID
    joint: Joint
    reason: str
    actor: str


@dataclass(frozen=True, slots=True)
class ListVersion:
    """What may be told about one version without opening it to anybody; `intact` is None when its key is gone."""

    version: int
    households: int
    persons: int
    representatives: int
    seal: bytes
    intact: bool | None
    actor: str
    reason: str
    at: datetime


async def register_signatories(uow: UnitOfWork, desk: Desk, new: Sequence[NewAppeal]) -> None:
    """Seal the first version of every joint appeal among new ones, and warn of those that are large already."""
    joint_appeals = [(item, item.registered.submission.joint) for item in new]
    lists = []
    for item, joint in joint_appeals:
        if joint is None:
            continue
        command = PutSignatories(item.id, joint, "as registered", item.actor)
        lists.append(_sealed(desk.vault, command, version=1, previous=_NO_LIST_BEFORE, at=uow.now))
    await add_lists(uow.connection, lists)
    for sealed in lists:
        await warn_of_joint_appeal(uow, sealed.appeal_id, persons=sealed.persons, households=sealed.households)


async def put_signatories(uow: UnitOfWork, desk: Desk, command: PutSignatories) -> list[ListVersion]:
    """Add a version: people join, or sign off. Return every version, the newest last.

    Raises NotFound, InvalidInput, and Conflict when an earlier version does not open as it was sealed: evidence is not
    continued on top of evidence that was changed.
    """
    problems = list(groups.problems_of_joint(command.joint))
    if problems:
        raise InvalidInput("The list is not valid.", problems)
    row = await lock_appeal(uow.connection, command.appeal_id)
    if row is None:
        raise NotFound("There is no such appeal.")
    versions = await read_signatories(uow, desk, command.appeal_id)
    if any(version.intact is False for version in versions):
        raise Conflict("An earlier version of the list was changed after it was sealed.", code="seal_broken")
    last = versions[-1] if versions else None
    sealed = _sealed(
        desk.vault,
        command,
        version=last.version + 1 if last else 1,
        previous=last.seal if last else _NO_LIST_BEFORE,
        at=uow.now,
    )
    await add_lists(uow.connection, [sealed])
    await save_counts(uow.connection, command.appeal_id, households=sealed.households, persons=sealed.persons)
    await warn_of_group(uow, command.appeal_id)
    return await read_signatories(uow, desk, command.appeal_id)


async def read_signatories(uow: UnitOfWork, desk: Desk, appeal_id: UUID) -> list[ListVersion]:
    """Return every version, checked against its seal and the chain; nobody's name among it."""
    found = []
    previous = _NO_LIST_BEFORE
    for row in await read_lists(uow.connection, appeal_id):
        seal = bytes(row["seal"])
        found.append(
            ListVersion(
                version=row["version"],
                households=row["households"],
                persons=row["persons"],
                representatives=row["representatives"],
                seal=seal,
                intact=_is_intact(desk.vault, row, previous),
                actor=row["actor"],
                reason=row["reason"],
                at=row["at"],
            )
        )
        previous = seal
    return found


async def open_newest_list(uow: UnitOfWork, desk: Desk, appeal_id: UUID) -> dict[str, Any]:
    """Return the newest list in the clear, empty when there is none or its key is gone; only for logged reveals."""
    rows = await read_lists(uow.connection, appeal_id)
    if not rows or rows[-1]["wrapped_key"] is None:
        return {}
    return _opened(desk.vault, rows[-1])


def _sealed(vault: Vault, command: PutSignatories, *, version: int, previous: bytes, at: datetime) -> SealedList:
    joint = command.joint
    content = _countable(groups.list_content(joint), joint)
    return SealedList(
        appeal_id=command.appeal_id,
        version=version,
        households=joint.households,
        persons=groups.persons_of(joint),
        representatives=len(joint.representatives),
        seal=groups.seal_of(content, appeal_id=command.appeal_id, version=version, previous=previous),
        sealed=vault.seal(command.appeal_id, content),
        actor=command.actor,
        reason=command.reason,
        at=at,
    )


def _countable(content: dict[str, Any], joint: Joint) -> dict[str, Any]:
    """The counts are part of what is sealed: nobody turns five households into five hundred."""
    return {**content, "households": joint.households, "persons": groups.persons_of(joint)}


def _is_intact(vault: Vault, row: dict[str, Any], previous: bytes) -> bool | None:
    if row["wrapped_key"] is None:
        return None
    try:
        content = _opened(vault, row)
    except VaultError:
        return False
    expected = groups.seal_of(content, appeal_id=row["appeal_id"], version=row["version"], previous=previous)
    counts = (content.get("households"), content.get("persons")) == (row["households"], row["persons"])
    return counts and hmac.compare_digest(expected, bytes(row["seal"]))


def _opened(vault: Vault, row: dict[str, Any]) -> dict[str, Any]:
    return vault.open(row["appeal_id"], Sealed(row["key_id"], bytes(row["wrapped_key"]), bytes(row["sealed"])))
