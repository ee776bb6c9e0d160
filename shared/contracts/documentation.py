"""The reference of all events as one page, written from the models so that it cannot fall behind them."""

import inspect
import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from shared.contracts.envelope import Envelope, EventData
from shared.contracts.schema import Schema, contract_name, schema_of
from shared.contracts.topology import SUBSCRIBERS, edges
from shared.vocabulary import Service

DOCS_COMMAND = "minqing contracts docs"

_HEADER = f"""\
# Events

<!-- Written by `{DOCS_COMMAND}` from shared/contracts; do not edit by hand. -->

The services talk through these events and through nothing else. Every event is about one appeal (`subject`),
is stored before it is sent, and takes effect at each of its consumers exactly once and in the order it was
written ([architecture.md](architecture.md) says how). Times are UTC with an offset; a due time is exclusive:
late means `at >= due`. No event carries a name, a telephone number or an address of a citizen.

A contract grows by optional fields only. Anything else is a new version beside the old one, and the snapshots
in `shared/contracts/snapshots/` refuse it until then
([the rules](architecture.md#changing-an-event)).
"""


def render_events_page() -> str:
    """Return docs/events.md; the same models always give the same text."""
    lines = [_HEADER, "## Who hears whom", "", *_edges_table(), "", "## The envelope", ""]
    lines += [_prose(Envelope), "", *_fields_table(Envelope, "envelope.v1"), ""]
    for producer in Service:
        lines += [f"## Published by {producer.value}", ""]
        for event, consumers in SUBSCRIBERS[producer].items():
            lines += _event_section(event, consumers)
    return "\n".join(lines).rstrip() + "\n"


def _edges_table() -> Iterator[str]:
    yield "| producer | consumer | events |"
    yield "|---|---|---|"
    for producer, consumer in edges():
        heard = [event.TYPE for event, consumers in SUBSCRIBERS[producer].items() if consumer in consumers]
        yield f"| {producer.value} | {consumer.value} | {', '.join(f'`{name}`' for name in heard)} |"


def _event_section(event: type[EventData], consumers: tuple[Service, ...]) -> list[str]:
    heard_by = ", ".join(consumer.value for consumer in consumers)
    return [
        f"### `{event.TYPE}` version {event.VERSION}",
        "",
        _prose(event),
        "",
        f"Heard by: {heard_by}.",
        "",
        *_fields_table(event, contract_name(event)),
        "",
    ]


def _prose(model: type[BaseModel]) -> str:
    return inspect.cleandoc(model.__doc__ or "").strip()


def _fields_table(model: type[BaseModel], name: str) -> list[str]:
    schema = schema_of(model, name)
    required = set(schema.get("required", ()))
    rows = ["| field | type | required | default |", "|---|---|---|---|"]
    for field, shape in schema.get("properties", {}).items():
        default = "" if field in required else f"`{_shown_default(shape.get('default'))}`"
        rows.append(f"| `{field}` | {_shown_type(shape)} | {'yes' if field in required else 'no'} | {default} |")
    return rows


def _shown_default(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _shown_type(shape: Schema) -> str:
    if "anyOf" in shape:
        return " or ".join(_shown_type(choice) for choice in shape["anyOf"])
    if "enum" in shape:
        return "one of " + ", ".join(f"`{value}`" for value in shape["enum"])
    if shape.get("type") == "array":
        return f"list of ({_shown_type(shape.get('items', {}))})"
    shown = str(shape.get("format") or shape.get("type") or "any")
    bounds = [f"{word} {shape[keyword]}" for keyword, word in _BOUND_WORDS.items() if keyword in shape]
    return f"{shown}, {', '.join(bounds)}" if bounds else shown


_BOUND_WORDS = {
    "minimum": "at least",
    "maximum": "at most",
    "minLength": "length from",
    "maxLength": "length to",
}
