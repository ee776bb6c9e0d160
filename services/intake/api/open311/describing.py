"""How the GeoReport v2 routes describe themselves in the OpenAPI document: two formats and many arguments."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from shared.http.problems import problem_documentation

_TEXT: Final[Mapping[str, Any]] = {"type": "string"}
_MOMENT: Final[Mapping[str, Any]] = {"type": "string", "examples": ["2026-03-02T09:30:00+08:00"]}
_XML: Final[Mapping[str, Any]] = {"schema": {"type": "string"}}
_FORMATS: Final = "Append `.json` or `.xml` to the path; without a suffix the Accept header decides."
_OF_READING: Final = (400, 404, 429)
_OF_SUBMITTING: Final = (400, 403, 404, 409, 413, 429)

_STRINGS: Final = (
    "service_request_id", "status", "status_notes", "service_name", "service_code", "description",
    "agency_responsible", "service_notice", "requested_datetime", "updated_datetime", "expected_datetime",
    "address", "address_id", "zipcode", "media_url",
)  # fmt: skip
_REQUEST: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["service_request_id", "status", "service_code", "requested_datetime"],
    "properties": {
        **dict.fromkeys(_STRINGS, _TEXT),
        "status": {"enum": ["open", "closed"]},
        "lat": {"type": "number"},
        "long": {"type": "number"},
    },
}
_SERVICE: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["service_code", "service_name", "metadata", "type"],
    "properties": {
        **dict.fromkeys(("service_code", "service_name", "description", "keywords", "group"), _TEXT),
        "metadata": {"type": "boolean"},
        "type": {"enum": ["realtime", "batch", "blackbox"]},
    },
}
_DEFINITION: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["service_code", "attributes"],
    "properties": {"service_code": _TEXT, "attributes": {"type": "array", "items": {"type": "object"}}},
}
_TOLD: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": dict.fromkeys(("service_request_id", "token", "service_notice", "account_id"), _TEXT),
}
_FORM_FIELDS: Final = (
    "service_code", "api_key", "jurisdiction_id", "lat", "long", "address_string", "address_id", "email", "device_id",
    "account_id", "first_name", "last_name", "phone", "description", "media_url",
)  # fmt: skip


def _array(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


def _content(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}, "text/xml": _XML}


def _responses(schema: Mapping[str, Any], refusals: Sequence[int]) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": _FORMATS, "content": _content(schema)}, **problem_documentation(refusals)}


def _query(name: str, schema: Mapping[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


_JURISDICTION: Final = _query("jurisdiction_id", _TEXT, "Needed only where one server answers for several cities.")
_EXTENSIONS: Final = _query("extensions", _TEXT, "`true` adds attributes, extended_attributes and notes.")
_FILTERS: Final = [
    _JURISDICTION,
    _query("service_request_id", _TEXT, "Numbers, separated by commas; overrides all other arguments."),
    _query("service_code", _TEXT, "Codes, separated by commas."),
    _query("start_date", _MOMENT, "Earliest requested_datetime."),
    _query("end_date", _MOMENT, "Latest requested_datetime, at most 90 days after start_date."),
    _query("status", _TEXT, "`open`, `closed`, or both separated by a comma."),
    _query("updated_after", _MOMENT, "Earliest updated_datetime."),
    _query("updated_before", _MOMENT, "Latest updated_datetime."),
    _query("page", _TEXT, "Pages are counted from 1."),
    _query("page_size", _TEXT, "At most 1000, which is the default; more is read as 1000."),
    _query("lat", _TEXT, "With `long` and `radius`: only what lies in that circle."),
    _query("long", _TEXT, "See `lat`."),
    _query("radius", _TEXT, "Metres."),
    _query("bbox", _TEXT, "west,south,east,north in degrees."),
    _query("q", _TEXT, "Only what has this text in its description or address."),
    _EXTENSIONS,
]
_FORM: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["service_code"],
    "properties": dict.fromkeys(_FORM_FIELDS, _TEXT),
    "description": "Answers to a service's questions as `attribute[CODE]`, several values as `attribute[CODE][]`.",
}


def _route(
    operation_id: str,
    summary: str,
    schema: Mapping[str, Any],
    parameters: Sequence[Mapping[str, Any]],
    *,
    refusals: Sequence[int] = _OF_READING,
) -> dict[str, Any]:
    return {
        "operation_id": operation_id,
        "summary": summary,
        "responses": _responses(schema, refusals),
        "openapi_extra": {"parameters": list(parameters)},
    }


discovery: Final = _route("open311_discovery", "GeoReport v2: discovery", {"type": "object"}, [])
services: Final = _route("open311_services", "GeoReport v2: services", _array(_SERVICE), [_JURISDICTION])
definition: Final = _route("open311_definition", "GeoReport v2: one service's attributes", _DEFINITION, [_JURISDICTION])
requests: Final = _route("open311_requests", "GeoReport v2: public requests", _array(_REQUEST), _FILTERS)
request: Final = _route(
    "open311_request", "GeoReport v2: one public request", _array(_REQUEST), [_JURISDICTION, _EXTENSIONS]
)
token: Final = _route("open311_token", "GeoReport v2: the number behind a token", _array(_TOLD), [_JURISDICTION])
submission: Final[dict[str, Any]] = {
    **_route("open311_submit", "GeoReport v2: make a request", _array(_TOLD), [], refusals=_OF_SUBMITTING),
    "openapi_extra": {
        "security": [{"bearer": []}, {"api_key": []}],
        "requestBody": {
            "required": True,
            "content": {
                "application/x-www-form-urlencoded": {"schema": _FORM},
                "application/json": {"schema": _FORM},
                "multipart/form-data": {"schema": _FORM},
            },
        },
    },
}
