"""The two published schemas of GeoReport v2 documents, told in our own words.

One is the set of JSON schemas beside the specification's validator, which allows null for what is not known; the other
is the Swagger document of the same API, which knows no null. What a server writes should satisfy both.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from jsonschema import Draft7Validator, FormatChecker

FORMATS: Final = FormatChecker(formats=[])


def is_moment(value: Any) -> bool:
    """ISO 8601 with a zone."""
    return not isinstance(value, str) or ("T" in value and datetime.fromisoformat(value).tzinfo is not None)


def is_uri(value: Any) -> bool:
    """An absolute address."""
    return not isinstance(value, str) or bool(urlsplit(value).scheme and urlsplit(value).netloc)


FORMATS.checks("date-time", raises=ValueError)(is_moment)
FORMATS.checks("uri", raises=ValueError)(is_uri)


_TEXT: Final[Mapping[str, Any]] = {"type": "string"}
_DATATYPES: Final = ["string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"]
_TEXTS_OF_REQUEST: Final = (
    "status_notes", "service_name", "agency_responsible", "service_notice", "address", "address_id", "zipcode",
)  # fmt: skip


def schemas_of(*, nullable: bool) -> Mapping[str, Any]:
    """The schema of each document: with null for what is not known, or without."""

    def known(**schema: Any) -> dict[str, Any]:
        return {"anyOf": [schema, {"type": "null"}]} if nullable else schema

    maybe = known(type="string")
    told = {"properties": dict.fromkeys(("service_request_id", "token", "service_notice", "account_id"), maybe)}
    error = {"required": ["code", "description"], "properties": {"code": {"type": "integer"}, "description": _TEXT}}
    return {
        "services": _many(_service(maybe)),
        "definition": {
            "type": "object",
            "required": ["service_code", "attributes"],
            "properties": {"service_code": _TEXT, "attributes": _many(_attribute(maybe, known(type="integer")))},
        },
        "requests": _many(
            {
                "required": ["service_request_id", "status", "service_code", "requested_datetime"],
                "properties": {
                    "service_request_id": _TEXT,
                    "status": {"enum": ["open", "closed"]},
                    "service_code": _TEXT,
                    "description": known(type="string", maxLength=4000),
                    "requested_datetime": {"type": "string", "format": "date-time"},
                    "updated_datetime": known(type="string", format="date-time"),
                    "expected_datetime": known(type="string", format="date-time"),
                    "lat": known(type="number"),
                    "long": known(type="number"),
                    "media_url": known(type="string", format="uri"),
                    **dict.fromkeys(_TEXTS_OF_REQUEST, maybe),
                },
            }
        ),
        "told": {**_many(told), "minItems": 1, "maxItems": 1},
        "errors": {**_many(error), "minItems": 1},
    }


def _service(maybe: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "required": ["service_code", "service_name", "metadata", "type"],
        "properties": {
            "service_code": _TEXT,
            "service_name": _TEXT,
            "metadata": {"type": "boolean"},
            "type": {"enum": ["realtime", "batch", "blackbox"]},
            **dict.fromkeys(("description", "keywords", "group"), maybe),
        },
    }


def _attribute(maybe: Mapping[str, Any], order: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "required": ["variable", "code", "datatype", "required"],
        "properties": {
            "variable": {"type": "boolean"},
            "code": _TEXT,
            "datatype": {"enum": _DATATYPES},
            "required": {"type": "boolean"},
            "datatype_description": maybe,
            "order": order,
            "description": maybe,
            "values": _many({"required": ["key", "name"], "properties": {"key": _TEXT, "name": _TEXT}}),
        },
    }


def _many(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "object", **item}}


def faults_of(name: str, document: Any, *, nullable: bool) -> list[str]:
    """What a schema finds wrong with a document."""
    validator = Draft7Validator(schemas_of(nullable=nullable)[name], format_checker=FORMATS)
    return [f"{'/'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(document)]
