"""What counts as a breaking change of an event, and what may be added beside."""

from pathlib import Path
from typing import Any, ClassVar, Literal
from uuid import UUID

import pytest
from pydantic import AwareDatetime, Field, create_model

from shared.contracts.envelope import EventData
from shared.contracts.schema import (
    BreakingChange,
    compare,
    current_schemas,
    stored_schemas,
    write_snapshots,
)

Fields = dict[str, Any]

PROMISED: Fields = {
    "ticket_id": (UUID, ...),
    "title": (str, Field(default="", max_length=100)),
    "status": (Literal["open", "closed"], ...),
    "score": (int | None, Field(default=None, ge=1, le=5)),
    "at": (AwareDatetime, ...),
    "tags": (tuple[str, ...], ()),
}


class Sampled(EventData):
    TYPE: ClassVar[str] = "sample.happened"


def event(fields: Fields) -> type[EventData]:
    return create_model("SampleHappened", __base__=Sampled, **fields)


def changed(**fields: Any) -> Fields:
    return {**PROMISED, **fields}


def without(field: str) -> Fields:
    return {name: shape for name, shape in PROMISED.items() if name != field}


BREAKING = {
    "a required field is removed": (without("ticket_id"), "$.ticket_id"),
    "an optional field is removed": (without("title"), "$.title"),
    "a field is renamed": ({**without("at"), "happened_at": (AwareDatetime, ...)}, "$.at"),
    "a new field is required": (changed(department=(str, ...)), "$.department"),
    "an optional field becomes required": (changed(title=(str, Field(max_length=100))), "$.title"),
    "a required field becomes optional": (changed(at=(AwareDatetime, "2026-01-01T00:00:00Z")), "$.at"),
    "a type changes": (changed(ticket_id=(int, ...)), "$.ticket_id"),
    "a format changes": (changed(ticket_id=(str, ...)), "$.ticket_id"),
    "null is no longer allowed": (changed(score=(int, Field(default=1, ge=1, le=5))), "$.score"),
    "null becomes allowed": (changed(at=(AwareDatetime | None, ...)), "$.at"),
    "a value is taken from a list": (changed(status=(Literal["open"], ...)), "$.status"),
    "a closed list is opened": (changed(status=(str, ...)), "$.status"),
    "a text gets shorter": (changed(title=(str, Field(default="", max_length=50))), "$.title"),
    "a lower bound rises": (changed(score=(int | None, Field(default=None, ge=2, le=5))), "$.score|0"),
    "a bound appears": (changed(tags=(tuple[str, ...], Field(default=(), max_length=3))), "$.tags"),
    "the items of a list change": (changed(tags=(tuple[int, ...], ())), "$.tags[]"),
    "a default means something else": (changed(title=(str, Field(default="?", max_length=100))), "$.title"),
}

ADDITIVE = {
    "a new optional field": changed(note=(str, "")),
    "a new nullable field": changed(note=(str | None, None)),
    "a value is added to a list": changed(status=(Literal["open", "closed", "void"], ...)),
    "a text may be longer": changed(title=(str, Field(default="", max_length=200))),
    "a bound goes away": changed(score=(int | None, Field(default=None, ge=1))),
}


@pytest.mark.parametrize(("fields", "path"), BREAKING.values(), ids=BREAKING)
def test_a_breaking_change_is_found_and_located(fields: Fields, path: str, tmp_path: Path) -> None:
    write_snapshots(tmp_path, [event(PROMISED)])
    changes = compare(stored_schemas(tmp_path), current_schemas([event(fields)]))
    assert path in {change.path for change in changes if change.breaking}


@pytest.mark.parametrize("fields", ADDITIVE.values(), ids=ADDITIVE)
def test_an_additive_change_is_reported_without_breaking(fields: Fields, tmp_path: Path) -> None:
    write_snapshots(tmp_path, [event(PROMISED)])
    changes = compare(stored_schemas(tmp_path), current_schemas([event(fields)]))
    assert changes
    assert not [change for change in changes if change.breaking]


def test_no_change_is_no_difference(tmp_path: Path) -> None:
    write_snapshots(tmp_path, [event(PROMISED)])
    assert compare(stored_schemas(tmp_path), current_schemas([event(PROMISED)])) == []


def test_a_changed_docstring_is_no_difference(tmp_path: Path) -> None:
    write_snapshots(tmp_path, [event(PROMISED)])
    explained = event(changed(at=(AwareDatetime, Field(description="when it happened"))))
    explained.__doc__ = "Something else is said about it."
    assert compare(stored_schemas(tmp_path), current_schemas([explained])) == []


def test_an_event_that_is_gone_breaks_its_contract(tmp_path: Path) -> None:
    write_snapshots(tmp_path, [event(PROMISED)])
    changes = compare(stored_schemas(tmp_path), current_schemas([]))
    assert [(change.contract, change.breaking) for change in changes] == [("sample.happened.v1", True)]


def test_a_new_version_beside_the_old_one_breaks_nothing(tmp_path: Path) -> None:
    write_snapshots(tmp_path, [event(PROMISED)])
    second = event(without("title"))
    second.VERSION = 2
    changes = compare(stored_schemas(tmp_path), current_schemas([event(PROMISED), second]))
    assert [(change.contract, change.breaking) for change in changes] == [("sample.happened.v2", False)]


def test_writing_refuses_a_breaking_change_and_leaves_every_snapshot_as_it_was(tmp_path: Path) -> None:
    write_snapshots(tmp_path, [event(PROMISED)])
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(BreakingChange, match=r"sample\.happened\.v1: \$\.title"):
        write_snapshots(tmp_path, [event(without("title"))])
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_writing_an_additive_change_updates_that_snapshot_only(tmp_path: Path) -> None:
    write_snapshots(tmp_path, [event(PROMISED)])
    written = write_snapshots(tmp_path, [event(changed(note=(str, "")))])
    assert [path.name for path in written] == ["sample.happened.v1.json"]
    assert write_snapshots(tmp_path, [event(changed(note=(str, "")))]) == []
