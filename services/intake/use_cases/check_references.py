"""What the facts of a channel refer to must be on record: box, window, service item, informant, session, survey."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from services.intake.db.entry import (
    ENTRY_POINTS,
    INFORMANTS,
    SERVICE_ITEMS,
    SURVEYS,
    Registry,
    Row,
    known_codes,
    known_sessions,
)
from services.intake.domain.appeals import Submission
from services.intake.domain.campaigns import CampaignKind
from services.intake.domain.entry import PLACES_OF, Role
from shared.db.unit_of_work import UnitOfWork
from shared.errors import FieldProblem, InvalidInput
from shared.vocabulary import Channel

_REGISTRY_OF: Final[Mapping[str, Registry]] = {
    "location_id": ENTRY_POINTS,
    "window_id": ENTRY_POINTS,
    "item_code": SERVICE_ITEMS,
    "informant_id": INFORMANTS,
    "survey_id": SURVEYS,
}
_ROLE_OF: Final[Mapping[Channel, Role]] = {
    Channel.INFORMANT: Role.INFORMANT,
    Channel.VOLUNTEER: Role.VOLUNTEER,
    Channel.GRID: Role.GRID_WORKER,
    Channel.BUILDING_CHIEF: Role.BUILDING_CHIEF,
}
_VISITS: Final = frozenset({CampaignKind.VISIT_PLAN, CampaignKind.SERVICE_DAY})
_SESSIONS_OF: Final[Mapping[Channel, frozenset[CampaignKind]]] = {
    Channel.RECEPTION_DAY: frozenset({CampaignKind.RECEPTION_DAY}),
    Channel.DEPUTY_STATION: frozenset({CampaignKind.DEPUTY_RECEPTION}),
    Channel.TALK_MEETING: frozenset({CampaignKind.TALK_MEETING}),
    Channel.VISIT: _VISITS,
    Channel.INFORMANT: _VISITS,
    Channel.GRID: _VISITS,
    Channel.BUILDING_CHIEF: _VISITS,
    Channel.VOLUNTEER: _VISITS,
}


@dataclass(frozen=True, slots=True)
class Known:
    """What of the references was found."""

    registered: Mapping[str, Mapping[str, Row]]
    sessions: Mapping[str, str]


def refers(submission: Submission) -> bool:
    """Tell whether an appeal's channel details name something that has to be looked up."""
    details = submission.channel_details or {}
    return any(name in details for name in (*_REGISTRY_OF, "session_id"))


async def check_references(uow: UnitOfWork, submissions: Sequence[Submission]) -> list[InvalidInput | None]:
    """Return, in order, what is wrong with the references of each, or None; with one query per registry for all."""
    wanted = [submission for submission in submissions if refers(submission)]
    if not wanted:
        return [None] * len(submissions)
    known = await _look_up(uow, wanted)
    return [_verdict(submission, known, uow.now) for submission in submissions]


async def _look_up(uow: UnitOfWork, submissions: Sequence[Submission]) -> Known:
    registered: dict[str, Mapping[str, Row]] = {}
    for registry in dict.fromkeys(_REGISTRY_OF.values()):
        fields = [name for name, owner in _REGISTRY_OF.items() if owner is registry]
        codes = sorted({code for said in submissions for name in fields if (code := _detail(said, name))})
        registered[registry.name] = await known_codes(uow.connection, registry, codes) if codes else {}
    ids = {id_ for said in submissions if (id_ := _uuid(_detail(said, "session_id")))}
    sessions = await known_sessions(uow.connection, sorted(ids)) if ids else {}
    return Known(registered, sessions)


def _detail(submission: Submission, name: str) -> str | None:
    value = (submission.channel_details or {}).get(name)
    return str(value) if value is not None else None


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text is not None else None
    except ValueError:
        return None


def _verdict(submission: Submission, known: Known, now: datetime) -> InvalidInput | None:
    problems = list(_problems_of(submission, known, now))
    return InvalidInput("Some fields are not valid.", problems) if problems else None


def _problems_of(submission: Submission, known: Known, now: datetime) -> Iterator[FieldProblem]:
    for name, registry in _REGISTRY_OF.items():
        code = _detail(submission, name)
        if code is None:
            continue
        where = f"/channel_details/{name}"
        row = known.registered[registry.name].get(code)
        if row is None:
            yield FieldProblem(where, f"there is no such {registry.title}")
        elif row["retired_at"] is not None and (submission.received_at or now) >= row["retired_at"]:
            yield FieldProblem(where, f"the {registry.title} is retired")
        else:
            yield from _MISFITS[registry.name](where, submission, row)
    yield from _problems_of_session(submission, known)


def _misplaced(where: str, submission: Submission, row: Row) -> Iterator[FieldProblem]:
    kinds = PLACES_OF.get(submission.channel, frozenset())
    if row["kind"] not in kinds:
        yield FieldProblem(
            where, f"is a {row['kind']}, which channel {submission.channel.value} does not use", sorted(kinds)
        )


def _in_another_role(where: str, submission: Submission, row: Row) -> Iterator[FieldProblem]:
    role = _ROLE_OF.get(submission.channel)
    if role is not None and row["role"] != role:
        yield FieldProblem(where, f"is registered as {row['role']}, not as {role.value}")


def _fits(_where: str, _submission: Submission, _row: Row) -> Iterator[FieldProblem]:
    yield from ()


_MISFITS: Final[Mapping[str, Callable[[str, Submission, Any], Iterator[FieldProblem]]]] = {
    ENTRY_POINTS.name: _misplaced,
    INFORMANTS.name: _in_another_role,
    SERVICE_ITEMS.name: _fits,
    SURVEYS.name: _fits,
}


def _problems_of_session(submission: Submission, known: Known) -> Iterator[FieldProblem]:
    session_id = _detail(submission, "session_id")
    if session_id is None:
        return
    id_ = _uuid(session_id)
    kind = known.sessions.get(str(id_)) if id_ is not None else None
    kinds = _SESSIONS_OF.get(submission.channel, frozenset())
    if kind is None:
        yield FieldProblem("/channel_details/session_id", "there is no such session")
    elif kind not in kinds:
        yield FieldProblem("/channel_details/session_id", f"is a session of a {kind}", sorted(kinds))
