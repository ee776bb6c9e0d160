"""Snapshots of the event contracts: what was promised to consumers, and whether a change keeps the promise.

An event is read by services of another release: an older one while a release rolls out, and a newer one than
the rows still waiting in an outbox. A change is additive only if both still understand it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from shared.contracts.envelope import Envelope, EventData
from shared.contracts.events import EVENTS

SNAPSHOTS = Path(__file__).parent / "snapshots"
UPDATE_COMMAND = "minqing contracts snapshot"

_TYPE_KEYWORDS = frozenset({"type", "format", "const", "anyOf", "items", "prefixItems", "additionalProperties"})
_LOWER_BOUNDS = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems"})
_UPPER_BOUNDS = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems"})
_PROSE = frozenset({"title", "description", "examples"})

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between a snapshot and the model of today."""

    contract: str
    path: str
    message: str
    breaking: bool

    def __str__(self) -> str:
        return f"{self.contract}: {self.path}: {self.message}"


class BreakingChange(Exception):
    """A change that some release cannot read; keep the old version and put a new one beside it."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self.changes = tuple(changes)
        super().__init__("\n".join(map(str, self.changes)))


def contract_name(event: type[EventData]) -> str:
    return f"{event.TYPE}.v{event.VERSION}"


def schema_of(model: type[BaseModel], name: str) -> Schema:
    """Return a model's JSON schema without prose and references, so that only its shape is compared."""
    raw = model.model_json_schema(mode="validation")
    shape = _resolved(raw, raw.get("$defs", {}))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:minqing:contract:{name}",
        **shape,
    }


def current_schemas(events: Iterable[type[EventData]] = EVENTS) -> dict[str, Schema]:
    """Return the schema of the envelope and of every event, by contract name."""
    schemas = {contract_name(event): schema_of(event, contract_name(event)) for event in events}
    return {"envelope.v1": schema_of(Envelope, "envelope.v1"), **schemas}


def stored_schemas(directory: Path = SNAPSHOTS) -> dict[str, Schema]:
    return {
        path.name.removesuffix(".json"): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(directory.glob("*.json"))
    }


def compare(stored: Mapping[str, Schema], current: Mapping[str, Schema]) -> list[Change]:
    """Return every difference between the snapshots and the models, breaking ones first."""
    changes = [
        Change(name, "$", "the contract is gone; keep the model while anybody may send it", breaking=True)
        for name in stored.keys() - current.keys()
    ]
    changes += [
        Change(name, "$", "a new contract without a snapshot", breaking=False)
        for name in current.keys() - stored.keys()
    ]
    for name in stored.keys() & current.keys():
        changes += [
            Change(name, path, message, breaking)
            for path, message, breaking in _compare_schema(stored[name], current[name], "$")
        ]
    return sorted(changes, key=lambda change: (not change.breaking, change.contract, change.path))


def write_snapshots(directory: Path = SNAPSHOTS, events: Iterable[type[EventData]] = EVENTS) -> list[Path]:
    """Bring the snapshots up to date with additive changes; returns the files that were written.

    Raises BreakingChange, and writes nothing, when any change breaks a promise. Safe to repeat.
    """
    current = current_schemas(events)
    changes = compare(stored_schemas(directory), current)
    breaking = [change for change in changes if change.breaking]
    if breaking:
        raise BreakingChange(breaking)
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, schema in sorted(current.items()):
        path = directory / f"{name}.json"
        text = rendered(schema)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            written.append(path)
    return written


def rendered(schema: Schema) -> str:
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _resolved(node: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(node, list):
        return [_resolved(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = definitions[node["$ref"].rpartition("/")[2]]
        siblings = {key: value for key, value in node.items() if key != "$ref"}
        return _resolved({**target, **siblings}, definitions)
    result = {}
    for key, value in node.items():
        if key == "properties":
            result[key] = {field: _resolved(schema, definitions) for field, schema in value.items()}
        elif key not in _PROSE and key != "$defs":
            result[key] = _resolved(value, definitions)
    return result


Difference = tuple[str, str, bool]


def _compare_schema(old: Schema, new: Schema, path: str) -> list[Difference]:
    return [
        *_compare_fields(old, new, path),
        *_compare_types(old, new, path),
        *_compare_choices(old, new, path),
        *_compare_bounds(old, new, path),
    ]


def _compare_fields(old: Schema, new: Schema, path: str) -> list[Difference]:
    before, after = old.get("properties", {}), new.get("properties", {})
    must_before, must_after = set(old.get("required", ())), set(new.get("required", ()))
    found: list[Difference] = []
    for field in before.keys() | after.keys():
        where = f"{path}.{field}"
        if field not in after:
            found.append((where, "the field is gone or renamed", True))
        elif field not in before:
            is_required = field in must_after
            kind = "a new required field; older events lack it" if is_required else "a new optional field"
            found.append((where, kind, is_required))
        else:
            if (field in must_before) != (field in must_after):
                message = "was optional, is required" if field in must_after else "was required, is optional"
                found.append((where, message, True))
            found += _compare_schema(before[field], after[field], where)
    return found


def _compare_types(old: Schema, new: Schema, path: str) -> list[Difference]:
    found: list[Difference] = []
    if "anyOf" in old and "anyOf" in new and len(old["anyOf"]) == len(new["anyOf"]):
        for index, (before, after) in enumerate(zip(old["anyOf"], new["anyOf"], strict=True)):
            found += _compare_schema(before, after, f"{path}|{index}")
        ignored = {"anyOf"}
    elif "items" in old and isinstance(old["items"], dict) and isinstance(new.get("items"), dict):
        found += _compare_schema(old["items"], new["items"], f"{path}[]")
        ignored = {"items"}
    else:
        ignored = set()
    for keyword in sorted(_TYPE_KEYWORDS - ignored):
        if old.get(keyword) != new.get(keyword):
            message = f"the type changed: {keyword} was {old.get(keyword)!r}, is {new.get(keyword)!r}"
            found.append((path, message, True))
    if old.get("pattern") != new.get("pattern"):
        found.append((path, "the pattern changed", True))
    if "default" in old and old["default"] != new.get("default"):
        found.append((path, "the default changed, so the same event means something else", True))
    return found


def _compare_choices(old: Schema, new: Schema, path: str) -> list[Difference]:
    if "enum" not in old and "enum" not in new:
        return []
    if "enum" not in old or "enum" not in new:
        return [(path, "a closed list of values appeared or went away", True)]
    gone = [value for value in old["enum"] if value not in new["enum"]]
    added = [value for value in new["enum"] if value not in old["enum"]]
    found: list[Difference] = []
    if gone:
        found.append((path, f"values are gone: {gone}", True))
    if added:
        found.append((path, f"values were added: {added}; release the consumers first", False))
    return found


def _compare_bounds(old: Schema, new: Schema, path: str) -> list[Difference]:
    found: list[Difference] = []
    for keyword in sorted(_LOWER_BOUNDS | _UPPER_BOUNDS):
        before, after = old.get(keyword), new.get(keyword)
        if before == after:
            continue
        is_tighter = after is not None and (
            before is None or (after > before if keyword in _LOWER_BOUNDS else after < before)
        )
        verb = "tightened" if is_tighter else "loosened"
        found.append((path, f"{keyword} was {verb}: {before} to {after}", is_tighter))
    return found
