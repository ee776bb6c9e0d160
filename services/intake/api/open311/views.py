"""What GeoReport v2 clients are shown, member for member in the order of the specification.

A text that is not known is the empty text, anything else None; `documents.render` knows what to do with either.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from services.intake.api.open311.front_door import PREFIX
from services.intake.domain import open311
from services.intake.domain.open311_attributes import Attribute, DataType
from services.intake.use_cases.open311_read import Note, PublicRequest, ServiceList
from services.intake.use_cases.open311_submit import Submitted
from shared.vocabulary import AppealStatus, Channel

SPECIFICATION: Final = "http://wiki.open311.org/GeoReport_v2"
_CONTENT_TYPES: Final = ["text/xml", "application/json"]
_TYPE_OF_SERVICE: Final[Mapping[bool, str]] = {False: "realtime", True: "batch"}


@dataclass(frozen=True, slots=True)
class Show:
    """How to write: in which language and zone, with addresses that begin how, with or without the extensions."""

    chinese: bool
    zone: ZoneInfo
    url: str
    extended: bool = False

    def moment(self, moment: datetime | None) -> str | None:
        """ISO 8601 to the second, with the city's offset."""
        return moment.astimezone(self.zone).isoformat(timespec="seconds") if moment is not None else None


@dataclass(frozen=True, slots=True)
class Provider:
    """What discovery tells of who runs this."""

    url: str
    contact: str
    key_service: str
    is_production: bool


def discovery_view(provider: Provider, changed_at: datetime | None, show: Show) -> dict[str, Any]:
    changeset = show.moment(changed_at) or "1970-01-01T00:00:00Z"
    endpoint = {
        "specification": SPECIFICATION,
        "url": provider.url + PREFIX,
        "changeset": changeset,
        "type": "production" if provider.is_production else "test",
        "formats": _CONTENT_TYPES,
    }
    return {
        "changeset": changeset,
        "contact": provider.contact,
        "key_service": provider.key_service,
        "endpoints": [endpoint],
    }


def services_view(found: ServiceList, show: Show, *, with_tokens: bool) -> list[dict[str, Any]]:
    return [
        {
            "service_code": service.code,
            "service_name": open311.name_of(service, chinese=show.chinese),
            "description": open311.name_of(service, chinese=show.chinese),
            "metadata": service.code in found.with_questions,
            "type": _TYPE_OF_SERVICE[with_tokens],
            "keywords": open311.keywords_of(found.tree, service, chinese=show.chinese),
            "group": _group_of(found, service.parent_code, show),
        }
        for service in found.services
    ]


def _group_of(found: ServiceList, parent_code: str | None, show: Show) -> str:
    parent = found.tree.get(parent_code or "")
    return open311.name_of(parent, chinese=show.chinese) if parent is not None else ""


def definition_view(code: str, attributes: Sequence[Attribute]) -> dict[str, Any]:
    return {"service_code": code, "attributes": [_attribute_view(attribute) for attribute in attributes]}


def _attribute_view(attribute: Attribute) -> dict[str, Any]:
    return {
        "variable": attribute.variable,
        "code": attribute.code,
        "datatype": attribute.datatype.value,
        "required": attribute.required,
        "datatype_description": attribute.datatype_description,
        "order": attribute.order,
        "description": attribute.description,
        "values": [{"key": option.key, "name": option.name} for option in attribute.values],
    }


def request_view(request: PublicRequest, show: Show) -> dict[str, Any]:
    """One public request: of people nothing, of the place the street and the point, of the matter its masked text."""
    row, status = request.row, AppealStatus(request.row["status"])
    shown = {
        "service_request_id": row["receipt_number"],
        "status": "closed" if open311.is_closed(status) else "open",
        "status_notes": open311.status_notes(status, chinese=show.chinese),
        "service_name": open311.name_of(request.service, chinese=show.chinese),
        "service_code": request.service.code,
        "description": open311.public_description(row["title"], row["description"]),
        "agency_responsible": row["department_name"] or "",
        "service_notice": open311.service_notice(promised=row["promised_by"] is not None, chinese=show.chinese),
        "requested_datetime": show.moment(row["received_at"]),
        "updated_datetime": show.moment(row["as_of"]),
        "expected_datetime": show.moment(row["promised_by"]),
        "address": row["place"],
        "address_id": "",
        "zipcode": "",
        "lat": row["latitude"],
        "long": row["longitude"],
        "media_url": show.url + request.media_path if request.media_path else _given_media_url(row),
    }
    return {**shown, **_extension(request, show)} if show.extended else shown


def _given_media_url(row: Mapping[str, Any]) -> str | None:
    """The address a GeoReport client gave, as long as masking left it an address; it is never fetched."""
    url = row["attributes"].get("media_url") if row["channel"] == Channel.OPEN311 else None
    return url if isinstance(url, str) and is_web_address(url) else None


def is_web_address(text: str) -> bool:
    """Whether a text is an http(s) address that a document may carry as one."""
    try:
        parts = urlsplit(text)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and not (parts.username or parts.password)
    except ValueError:
        return False
    return known and text.isascii() and not any(letter in text for letter in ' <>"{}|\\^`[]')


def _extension(request: PublicRequest, show: Show) -> dict[str, Any]:
    status = request.row["status"]
    return {
        "attributes": _answers_view(request),
        "extended_attributes": {"channel": request.row["channel"], "status": status},
        "notes": [_note_view(note, show) for note in request.notes],
    }


def _answers_view(request: PublicRequest) -> list[dict[str, Any]]:
    """Only what was chosen from a list: a free text might tell of somebody."""
    stored = request.row["attributes"]
    shown = []
    for attribute in request.attributes:
        text = stored.get(attribute.code)
        if attribute.datatype not in {DataType.SINGLE, DataType.MULTIPLE} or not isinstance(text, str):
            continue
        names = {option.key: option.name for option in attribute.values}
        shown += [
            {"label": attribute.description, "name": attribute.code, "value": names[key], "code": key}
            for key in text.splitlines()
            if key in names
        ]
    return shown


def _note_view(note: Note, show: Show) -> dict[str, Any]:
    return {
        "datetime": show.moment(note.at),
        "description": open311.status_notes(note.status, chinese=show.chinese),
        "type": note.kind,
    }


def submitted_view(submitted: Submitted, account_id: str, *, chinese: bool) -> dict[str, Any]:
    """The answer to a request: its number, or the token alone where the city answers with tokens."""
    told = {"token": submitted.token} if submitted.token else {"service_request_id": submitted.appeal.receipt_number}
    notice = open311.service_notice(promised=False, chinese=chinese)
    return {**told, "service_notice": notice, "account_id": account_id}
