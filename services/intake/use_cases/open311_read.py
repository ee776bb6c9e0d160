"""What the GeoReport v2 server shows: services, their questions, public requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from services.intake.db import open311 as rows
from services.intake.db.open311 import RequestFilter, Row
from services.intake.domain import open311, receipts
from services.intake.domain.categories import Category, Tree
from services.intake.domain.open311 import Services
from services.intake.domain.open311_attributes import Attribute
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.list_public_attachments import list_public_media
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound
from shared.vocabulary import AppealStatus


@dataclass(frozen=True, slots=True)
class ServiceList:
    """The services open to new requests, in the order of the taxonomy, and which of them ask questions."""

    services: Sequence[Category]
    with_questions: frozenset[str]
    tree: Tree


@dataclass(frozen=True, slots=True)
class Note:
    """One step of a request."""

    at: datetime
    kind: str
    status: AppealStatus


@dataclass(frozen=True, slots=True)
class PublicRequest:
    """A row, the service it is shown under, the path of its photograph; extensions are empty unless asked for."""

    row: Row
    service: Category
    media_path: str | None = None
    notes: Sequence[Note] = ()
    attributes: Sequence[Attribute] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class ListWanted:
    """What a client asks for: services by their codes, and how much of it."""

    filter: RequestFilter
    service_codes: Sequence[str] | None = None
    limit: int = open311.MOST_REQUESTS
    offset: int = 0
    extended: bool = False


async def services_now(uow: UnitOfWork, desk: Desk, hidden: Sequence[str]) -> tuple[Services, Tree]:
    """Return the public services as the taxonomy stands."""
    tree = (await desk.catalogue.within(uow.connection)).categories
    return open311.services_of(tree, hidden), tree


async def list_services(uow: UnitOfWork, desk: Desk, hidden: Sequence[str]) -> ServiceList:
    """Return the services open to new requests."""
    services, tree = await services_now(uow, desk, hidden)
    definitions = await rows.read_definitions(uow.connection, [service.code for service in services.offered])
    asking = frozenset(code for code, definition in definitions.items() if definition.attributes)
    return ServiceList(services.offered, asking, tree)


async def define_service(uow: UnitOfWork, desk: Desk, code: str, hidden: Sequence[str]) -> Sequence[Attribute]:
    """Return a service's questions. Raises NotFound for what is no service."""
    services, _ = await services_now(uow, desk, hidden)
    if services.find(code) is None:
        raise NotFound("The service_code was not found.")
    definition = (await rows.read_definitions(uow.connection, [code])).get(code)
    return sorted(definition.attributes, key=lambda attribute: attribute.order) if definition else ()


async def list_public_requests(
    uow: UnitOfWork, desk: Desk, wanted: ListWanted, hidden: Sequence[str]
) -> list[PublicRequest]:
    """Return public requests, the latest first; what is not public is left out as if it did not exist."""
    services, _ = await services_now(uow, desk, hidden)
    codes = _codes_of(services, wanted.service_codes)
    found = await rows.list_requests(
        uow.connection, replace(wanted.filter, codes=codes), limit=wanted.limit, offset=wanted.offset
    )
    media = await list_public_media(uow, desk, [row["id"] for row in found])
    requests = [PublicRequest(row, services.of_category[row["category_code"]], media.get(row["id"])) for row in found]
    return await _extended(uow, requests) if wanted.extended and requests else requests


async def get_public_request(
    uow: UnitOfWork, desk: Desk, number: str, hidden: Sequence[str], *, extended: bool = False
) -> PublicRequest:
    """Return one public request. Raises NotFound, with the same words for what is not public as for what is not."""
    number = receipts.normalise_receipt_number(number)
    wanted = ListWanted(RequestFilter((), receipt_numbers=[number]), limit=1, extended=extended)
    found = await list_public_requests(uow, desk, wanted, hidden) if receipts.is_receipt_number(number) else []
    if not found:
        raise NotFound("The service_request_id was not found.")
    return found[0]


async def resolve_token(uow: UnitOfWork, desk: Desk, token: str, hidden: Sequence[str]) -> str:
    """Return the number that a token stands for. Raises NotFound."""
    services, _ = await services_now(uow, desk, hidden)
    is_token = open311.is_token(token)
    number = await rows.find_by_token(uow.connection, token, list(services.of_category)) if is_token else None
    if number is None:
        raise NotFound("The token was not found.")
    return number


async def changed_at(uow: UnitOfWork) -> datetime | None:
    """Return when services or their questions last changed: the changeset of discovery."""
    return await rows.last_changed(uow.connection)


def _codes_of(services: Services, service_codes: Sequence[str] | None) -> list[str]:
    """Return the categories whose appeals are asked for."""
    if service_codes is None:
        return list(services.of_category)
    wanted = set(service_codes)
    return [code for code, service in services.of_category.items() if service.code in wanted]


async def _extended(uow: UnitOfWork, requests: Sequence[PublicRequest]) -> list[PublicRequest]:
    """Add steps and questions, with one query each for all requests together."""
    notes: dict[UUID, list[Note]] = {request.row["id"]: _first_note(request.row) for request in requests}
    for row in await rows.read_notes(uow.connection, list(notes)):
        notes[row["appeal_id"]].append(Note(row["at"], row["code"], AppealStatus(row["status"])))
    codes = {request.service.code for request in requests}
    definitions: Mapping[str, rows.Definition] = await rows.read_definitions(uow.connection, sorted(codes))
    return [
        replace(
            request,
            notes=notes[request.row["id"]],
            attributes=definitions[request.service.code].attributes if request.service.code in definitions else (),
        )
        for request in requests
    ]


def _first_note(row: Row) -> list[Note]:
    return [Note(row["received_at"], "submitted", AppealStatus.REGISTERED)]
