"""Look-alikes of an appeal, or of one not registered yet: found in a few bounded ways, scored, with the reasons.

The same matter over two channels is recognised by what is said and where (AR-03); a person who asks again is told apart
from a second voice, so that an urge is suggested and no attachment.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.intake.db import similar as rows
from services.intake.db.search import unindexed_ids
from services.intake.db.similar import Around, Scope
from services.intake.domain import places, similarity
from services.intake.domain.categories import Tree, with_those_below
from services.intake.domain.cells import cells_around, metres_between
from services.intake.domain.places import Location
from services.intake.domain.similarity import Comparison, Likeness, Matter, Rarity, Suggestion, root_of, suggestion_for
from services.intake.domain.terms import apart_words_of, hash_of
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.search_appeals import hashes_of
from shared.db.unit_of_work import UnitOfWork
from shared.errors import InvalidInput, NotFound
from shared.vocabulary import AppealStatus, AppealType

_SHORTLIST = 20
_MOST_UNINDEXED = 40
_OF_ITS_CATEGORY, _OF_ANOTHER, _OF_ANY = 10, 2, 1
_UNCATEGORISED = ""
# Without a category every kind of matter has to be looked at, so only what lies next to it.
_BESIDE_METRES = 150.0
_MOST_KEYS = 8
# How many segments of the index are asked for rare words: more where no place leads to what is older.
_SEGMENTS_WITH_PLACE, _SEGMENTS_WITHOUT_PLACE = 12, 32
# The keys of one look may together be carried by so large a share of the appeals.
_LARGEST_SHARE = 0.02
_RARE_SHARE = 0.0002


@dataclass(frozen=True, slots=True)
class Draft:
    """A matter that is not registered yet, as far as it is known."""

    title: str
    description: str = ""
    location: Location | None = None
    category_code: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a department sees its own only, and only reviewers see reports."""

    department_code: str | None = None
    may_review: bool = False


@dataclass(frozen=True, slots=True)
class LookAlike:
    """An appeal that may be the same matter."""

    row: Mapping[str, Any]
    likeness: Likeness
    same_person: bool
    suggestion: Suggestion | None
    distance_metres: float | None


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is compared, whose it is, and which appeal it is."""

    matter: Matter
    hashes: Sequence[bytes] = field(default=(), repr=False)
    appeal_id: UUID | None = None


async def find_similar(uow: UnitOfWork, desk: Desk, appeal_id: UUID, *, caller: Caller, limit: int) -> list[LookAlike]:
    """Return the look-alikes of an appeal, the likest first. Raises NotFound, also when it is another department's."""
    row = await rows.read_matter(uow.connection, appeal_id)
    if row is None or caller.department_code not in {None, row["department_code"]}:
        raise NotFound("There is no such appeal.")
    known = row["phone_hash"] is not None and not _is_protected(row)
    subject = _Subject(_matter_of(row), (bytes(row["phone_hash"]),) if known else (), appeal_id)
    return await _find(uow, desk, subject, caller=caller, limit=limit)


async def find_similar_to_draft(
    uow: UnitOfWork, desk: Desk, draft: Draft, *, caller: Caller, limit: int
) -> list[LookAlike]:
    """Return the look-alikes of a matter that is not registered.

    Raises InvalidInput for what is no phone number or no place.
    """
    location = draft.location or Location()
    if problems := list(places.problems_of(location, None)):
        raise InvalidInput("The place is not valid.", problems)
    hashes = hashes_of(desk, draft.phone) if draft.phone is not None else ()
    matter = Matter(
        texts=(draft.title, draft.description[: rows.COMPARED_CHARACTERS]),
        place=location.address or "",
        category_code=draft.category_code,
        point=_point(location.longitude, location.latitude),
        at=uow.now,
    )
    return await _find(uow, desk, _Subject(matter, hashes), caller=caller, limit=limit)


async def _find(uow: UnitOfWork, desk: Desk, subject: _Subject, *, caller: Caller, limit: int) -> list[LookAlike]:
    connection, matter = uow.connection, subject.matter
    tree = (await desk.catalogue.within(connection)).categories
    scope = Scope(
        since=min(uow.now, matter.at) - similarity.WINDOW,
        ended_since=uow.now - similarity.ENDED_WITHIN,
        department_code=caller.department_code,
        with_reports=caller.may_review,
        without=subject.appeal_id,
    )
    rarity = Rarity(await rows.shares_of(connection, [hash_of(word) for word in matter.words | matter.place_words]))
    ids = dict.fromkeys(sorted(await unindexed_ids(connection), reverse=True)[:_MOST_UNINDEXED])
    ids.update(dict.fromkeys(await _near(uow, scope, matter, tree)))
    ids.update(dict.fromkeys(await _saying(uow, scope, matter, rarity)))
    if subject.hashes:
        ids.update(dict.fromkeys(await rows.find_of_person(connection, subject.hashes)))
    comparison = Comparison(matter, rarity=rarity, tree=tree)
    found = [_look_alike(row, subject, comparison) for row in await rows.read_candidates(connection, scope, list(ids))]
    shown = [each for each in found if each.likeness.is_shown]
    return sorted(shown, key=lambda each: (-each.likeness.score, str(each.row["id"])))[:limit]


async def _near(uow: UnitOfWork, scope: Scope, matter: Matter, tree: Tree) -> list[UUID]:
    """Return those near by that are of the same family of categories, the nearest first."""
    if matter.point is None:
        return []
    is_classified = matter.category_code in tree
    around = similarity.NEAR_METRES if is_classified else _BESIDE_METRES
    cells = list(cells_around(*matter.point, around))
    wanted = Around(matter.point, cells, _most_of(tree, matter.category_code))
    return await rows.find_near(uow.connection, scope, wanted, best=_SHORTLIST)


def _most_of(tree: Tree, code: str | None) -> dict[str, int]:
    """How many of each category to look at in each cell: many of its own, some of its family, or a few of any."""
    if code is None or code not in tree:
        return {_UNCATEGORISED: _OF_ITS_CATEGORY, **dict.fromkeys(tree, _OF_ANY)}
    family = with_those_below(tree, root_of(tree, code))
    return {_UNCATEGORISED: _OF_ANOTHER, **dict.fromkeys(family, _OF_ANOTHER), code: _OF_ITS_CATEGORY}


async def _saying(uow: UnitOfWork, scope: Scope, matter: Matter, rarity: Rarity) -> list[UUID]:
    """Return those that share rare words, wherever they are."""
    by_rarity = sorted(apart_words_of(*matter.texts), key=lambda word: rarity.share(word) or _RARE_SHARE)
    some, others = _keys(by_rarity[::2], rarity), _keys(by_rarity[1::2], rarity)
    if not (some and others):
        return []
    segments = _SEGMENTS_WITHOUT_PLACE if matter.point is None else _SEGMENTS_WITH_PLACE
    return await rows.find_saying(uow.connection, scope, keys=(some, others), segments=segments, best=_SHORTLIST)


def _keys(words: Sequence[str], rarity: Rarity) -> list[int]:
    keys: list[int] = []
    share = 0.0
    for word in words[:_MOST_KEYS]:
        share += rarity.share(word) or _RARE_SHARE
        if share > _LARGEST_SHARE:
            break
        keys.append(hash_of(word))
    return keys


def _look_alike(row: Mapping[str, Any], subject: _Subject, comparison: Comparison) -> LookAlike:
    other = _matter_of(row)
    same_person = _is_of(row, subject.hashes)
    likeness = comparison.with_other(other, same_person=same_person)
    point = subject.matter.point
    return LookAlike(
        row=row,
        likeness=likeness,
        same_person=same_person,
        suggestion=suggestion_for(likeness, AppealStatus(row["status"]), same_person=same_person),
        distance_metres=metres_between(point, other.point) if point is not None and other.point is not None else None,
    )


def _is_of(row: Mapping[str, Any], hashes: Sequence[bytes]) -> bool:
    """Whether the same person reported it; of who is protected nothing is told (trap 28)."""
    stored = row["phone_hash"]
    if stored is None or _is_protected(row):
        return False
    return any(hmac.compare_digest(bytes(stored), each) for each in hashes)


def _is_protected(row: Mapping[str, Any]) -> bool:
    return bool(row["is_protected"]) or row["type"] == AppealType.REPORT


def _matter_of(row: Mapping[str, Any]) -> Matter:
    at: datetime = row["created_at"]
    return Matter(
        texts=(row["title"], row["description"]),
        place=row["place"],
        category_code=row["category_code"],
        point=_point(row["longitude"], row["latitude"]),
        at=at,
    )


def _point(longitude: float | None, latitude: float | None) -> tuple[float, float] | None:
    return (longitude, latitude) if longitude is not None and latitude is not None else None
