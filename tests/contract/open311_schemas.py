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


def schemas_of(*, nullable: bool) -> Mapping[str, Any]:
    """The schema of each document: with null for what is not known, or without."""

    def known(**schema: Any) -> dict[str, Any]:
        return {"anyOf": [schema, {"type": "null"}]} if nullable else schema

    text = {"type": "string"}
    maybe = known(type="string")
    moment = known(type="string", format="date-time")
    value = {"required": ["key", "name"], "properties": {"key": text, "name": text}}
    attribute = {
        "required": ["variable", "code", "datatype", "required"],
        "properties": {
            "variable": {"type": "boolean"},
            "code": text,
            "datatype": {"enum": ["string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"]},
            "required": {"type": "boolean"},
            "datatype_description": maybe,
            "order": known(type="integer"),
            "description": maybe,
            "values": {"type": "array", "items": value},
        },
    }
    service = {
        "required": ["service_code", "service_name", "metadata", "type"],
        "properties": {
            "service_code": text,
            "service_name": text,
            "description": maybe,
            "metadata": {"type": "boolean"},
            "type": {"enum": ["realtime", "batch", "blackbox"]},
            "keywords": maybe,
            "group": maybe,
        },
    }
    request = {
        "required": ["service_request_id", "status", "service_code", "requested_datetime"],
        "properties": {
            "service_request_id": text,
            "status": {"enum": ["open", "closed"]},
            "service_code": text,
            "description": known(type="string", maxLength=4000),
            "requested_datetime": {"type": "string", "format": "date-time"},
            "updated_datetime": moment,
            "expected_datetime": moment,
            "lat": known(type="number"),
            "long": known(type="number"),
            "media_url": known(type="string", format="uri"),
            **dict.fromkeys(
                ("status_notes", "service_name", "agency_responsible", "service_notice", "address", "address_id"), maybe
            ),
            "zipcode": maybe,
        },
    }
    told = {"properties": dict.fromkeys(("service_request_id", "token", "service_notice", "account_id"), maybe)}
    return {
        "services": _many(service),
        "definition": {
            "type": "object",
            "required": ["service_code", "attributes"],
            "properties": {"service_code": text, "attributes": {"type": "array", "items": attribute}},
        },
        "requests": _many(request),
        "told": {**_many(told), "minItems": 1, "maxItems": 1},
        "errors": {
            **_many({"required": ["code", "description"], "properties": {"code": {"type": "integer"}}}),
            "minItems": 1,
        },
    }


def _many(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "object", **item}}


def faults_of(name: str, document: Any, *, nullable: bool) -> list[str]:
    """What a schema finds wrong with a document."""
    validator = Draft7Validator(schemas_of(nullable=nullable)[name], format_checker=FORMATS)
    return [f"{'/'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(document)]
