"""Hooks schemathesis loads in its own process: valid requests meet things that exist, and nobody waits for a long poll.

`MINQING_FUZZ_KNOWN` names a JSON file: for each path parameter the ids that exist.
"""

import json
import os
from pathlib import Path
from typing import Any
from zlib import crc32

import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode

KNOWN: dict[str, list[str]] = json.loads(Path(os.environ["MINQING_FUZZ_KNOWN"]).read_text(encoding="utf-8"))
AnyCase = schemathesis.Case[Any]
RESOURCE_OF = {
    "/v1/categories/{code}": "categories",
    "/v1/departments/{code}": "departments",
    "/v1/grids/{code}": "grids",
    "/v1/sla-policies/{code}": "sla-policies",
    "/v1/calendars/{code}": "calendars",
}

# The bounds of a date-time, and members that come together or not at all even when null, are beyond JSON Schema.
NOT_SAYABLE = {
    "must lie between the years 1900 and 2199",
    "longitude and latitude belong together",
    # Every body is closed in the document; the tool makes fields up from what problems name, and calls them valid.
    "is not a known field",
}


@schemathesis.serializer("message/rfc822")
def _mail(_context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


def _is_valid(case: AnyCase, location: ParameterLocation) -> bool:
    part = None if case.meta is None else case.meta.components.get(location)
    return part is None or part.mode is GenerationMode.POSITIVE


def _mend_if_match(case: AnyCase) -> None:
    """The coverage phase calls a blank If-Match valid although the documented pattern excludes it."""
    is_valid = case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE
    if is_valid and case.headers and not str(case.headers.get("If-Match", "*")).strip():
        case.headers["If-Match"] = "*"


@schemathesis.hook
def map_case(context: schemathesis.HookContext, case: AnyCase) -> AnyCase:
    """Give two of three valid path parameters an id that exists: random ones only ever show 404."""
    if case.path_parameters and _is_valid(case, ParameterLocation.PATH):
        for name, value in case.path_parameters.items():
            known = KNOWN.get(RESOURCE_OF.get(case.path, name), [])
            draw = crc32(str(value).encode("utf-8", "surrogatepass"))
            if known and draw % 3:
                case.path_parameters[name] = known[draw % len(known)]
    if isinstance(case.body, dict) and _is_valid(case, ParameterLocation.BODY):
        wait = case.body.get("wait_seconds")
        if isinstance(wait, int | float):
            case.body["wait_seconds"] = min(wait, 0)
    _mend_if_match(case)
    return case


@schemathesis.check
def validation_agrees_with_the_document(
    context: schemathesis.CheckContext, response: schemathesis.Response, case: AnyCase
) -> None:
    """Rules may refuse what the document allows (an unknown category); validation of shapes may not.

    Only the latter says in which part of the request (`in`) it found the fault.
    """
    is_valid = case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE
    if response.status_code == 422 and is_valid:
        errors: list[Any] = response.json().get("errors", [])
        found = [error for error in errors if "in" in error and error["message"] not in NOT_SAYABLE]
        assert not found, f"refused although the document allows it: {found}"
