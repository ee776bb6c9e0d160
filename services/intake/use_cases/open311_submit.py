"""A GeoReport v2 client's request becomes an appeal like any other, with its number at once."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.intake.db.open311 import read_definitions, store_token
from services.intake.db.registration import NewAppeal
from services.intake.domain import open311, people
from services.intake.domain.appeals import Submission
from services.intake.domain.attachments import Source
from services.intake.domain.categories import Category
from services.intake.domain.open311_attributes import read_answers
from services.intake.domain.people import Reporter
from services.intake.domain.places import Location
from services.intake.use_cases.add_attachments import AddAttachments, StoredFile, Uploader, add_attachments
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.open311_read import services_now
from services.intake.use_cases.register_appeals import RegisterAppeal, register_appeal
from shared.db.unit_of_work import UnitOfWork
from shared.errors import FieldProblem, InvalidInput, NotFound
from shared.vocabulary import AppealType, Channel

_GRID_CODE: Final = re.compile(r"[0-9]{6}(?:[0-9]{3}){1,4}")


@dataclass(frozen=True, slots=True)
class SubmitRequest:
    """A request as a client sends it, texts cleaned; `attributes` may have several values for one code."""

    service_code: str
    actor: str
    appeal_type: AppealType
    latitude: float | None = None
    longitude: float | None = None
    address_string: str = ""
    address_id: str = ""
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    description: str = ""
    media_url: str = ""
    attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    files: Sequence[StoredFile] = ()

    @property
    def has_location(self) -> bool:
        return self.latitude is not None or bool(self.address_string or self.address_id)


@dataclass(frozen=True, slots=True)
class Submitted:
    """The appeal, and the token that is told instead of its number where the city answers with tokens."""

    appeal: NewAppeal
    token: str | None


async def submit_request(
    uow: UnitOfWork, desk: Desk, command: SubmitRequest, hidden: Sequence[str], *, with_token: bool = False
) -> Submitted:
    """Register the request. Raises NotFound for an unknown service, InvalidInput naming every field at fault."""
    services, _ = await services_now(uow, desk, hidden)
    service = services.find(command.service_code)
    if service is None:
        raise NotFound("The service_code was not found.")
    definition = (await read_definitions(uow.connection, [service.code])).get(service.code)
    problems = list(_problems_of(command, service))
    answers: Mapping[str, str] = {}
    try:
        answers = read_answers(definition.attributes if definition else (), command.attributes)
    except InvalidInput as error:
        problems += error.problems
    if problems:
        raise InvalidInput("The request is not complete.", problems)
    submission = _submission(command, service, answers)
    appeal = await register_appeal(uow, desk, RegisterAppeal(submission, command.actor, may_classify=False))
    if command.files:
        uploader = Uploader(command.actor, Source.CITIZEN)
        await add_attachments(uow, desk, AddAttachments(appeal.id, uploader, command.files))
    token = open311.new_token() if with_token else None
    if token is not None:
        await store_token(uow.connection, token, appeal.id, uow.now)
    return Submitted(appeal, token)


def _problems_of(command: SubmitRequest, service: Category) -> Iterator[FieldProblem]:
    if (command.latitude is None) != (command.longitude is None):
        missing = "lat" if command.latitude is None else "long"
        yield FieldProblem(f"/{missing}", "is required: lat and long go together")
    elif service.location_required and not command.has_location:
        yield FieldProblem("/lat", "a location is required: lat and long, address_string or address_id")
    if len(command.description) > open311.LONGEST_DESCRIPTION:
        yield FieldProblem("/description", f"is longer than {open311.LONGEST_DESCRIPTION} characters")
    if command.phone and people.normalise_phone(command.phone) is None:
        yield FieldProblem("/phone", "is not a phone number")
    if command.email and not people.is_email(command.email):
        yield FieldProblem("/email", "is not an e-mail address")


def _submission(command: SubmitRequest, service: Category, answers: Mapping[str, str]) -> Submission:
    given = {"address_id": command.address_id, "media_url": command.media_url}
    kept = {name: value for name, value in given.items() if value}
    return Submission(
        type=command.appeal_type,
        channel=Channel.OPEN311,
        category_code=service.code,
        title=open311.title_of(command.description, open311.name_of(service, chinese=bool(service.name_zh))),
        description=command.description,
        location=_location(command),
        reporter=_reporter(command),
        attributes={**answers, **kept},
    )


def _location(command: SubmitRequest) -> Location | None:
    """An address id of the form of a grid code is one: grids are the master address repository here (section 6)."""
    if not command.has_location:
        return None
    grid_code = command.address_id if _GRID_CODE.fullmatch(command.address_id) else None
    return Location(command.address_string or None, command.longitude, command.latitude, grid_code)


def _reporter(command: SubmitRequest) -> Reporter | None:
    name = open311.full_name(command.first_name, command.last_name)
    if not (name or command.phone or command.email):
        return Reporter(anonymous=True, wants_reply=False)
    return Reporter(name=name or None, phone=command.phone or None, email=command.email or None)
