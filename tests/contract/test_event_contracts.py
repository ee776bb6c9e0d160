"""Events keep what they promised: snapshots, topology and the reference page agree with the models."""

from typing import Any

import jsonschema
import pytest

from shared.contracts.documentation import DOCS_COMMAND, render_events_page
from shared.contracts.envelope import Envelope, EventData
from shared.contracts.events import EVENT_BY_TYPE, EVENTS
from shared.contracts.schema import (
    UPDATE_COMMAND,
    compare,
    contract_name,
    current_schemas,
    stored_schemas,
)
from shared.contracts.topology import SUBSCRIBERS, consumers_of, edges
from shared.vocabulary import Service
from tests.unit.house.repository import ROOT

PERSONAL = {"name", "phone", "email", "id_number", "reporter", "contact", "address", "access_code"}


def test_no_event_contract_was_broken() -> None:
    changes = compare(stored_schemas(), current_schemas())
    breaking = [str(change) for change in changes if change.breaking]
    assert not breaking, "keep the old version beside a new one:\n" + "\n".join(breaking)


def test_the_snapshots_are_up_to_date() -> None:
    changes = [str(change) for change in compare(stored_schemas(), current_schemas())]
    assert not changes, f"run `{UPDATE_COMMAND}` and commit the result:\n" + "\n".join(changes)
    assert stored_schemas() == current_schemas()


def test_the_reference_page_is_written_from_the_models() -> None:
    page = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    assert page == render_events_page(), f"run `{DOCS_COMMAND}` and commit the result"


@pytest.mark.parametrize("name", sorted(stored_schemas()))
def test_a_snapshot_is_a_valid_json_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(stored_schemas()[name])


def test_every_event_is_published_by_exactly_one_service() -> None:
    published = [event for events in SUBSCRIBERS.values() for event in events]
    assert sorted(event.TYPE for event in published) == sorted(event.TYPE for event in EVENTS)
    assert len(EVENT_BY_TYPE) == len(EVENTS)


def test_every_declared_event_has_a_consumer_and_none_is_its_own_consumer() -> None:
    for producer, events in SUBSCRIBERS.items():
        for event in events:
            consumers = consumers_of(producer, event)
            assert consumers
            assert producer not in consumers


def test_asking_for_the_consumers_of_a_foreign_event_is_an_error() -> None:
    accepted = EVENT_BY_TYPE["appeal.accepted", 1]
    with pytest.raises(KeyError):
        consumers_of(Service.FEEDBACK, accepted)


def test_the_six_edges_join_every_pair_of_services() -> None:
    pairs = {(a, b) for a in Service for b in Service if a != b}
    assert set(edges()) == pairs


@pytest.mark.parametrize("event", EVENTS, ids=contract_name)
def test_no_event_has_a_field_for_personal_data(event: type[EventData]) -> None:
    assert not PERSONAL & set(event.model_fields)


@pytest.mark.parametrize("event", EVENTS, ids=contract_name)
def test_a_sample_of_the_snapshot_is_read_by_the_model_and_written_back_the_same(
    event: type[EventData],
) -> None:
    schema = stored_schemas()[contract_name(event)]
    sample = {field: sample_of(schema["properties"][field]) for field in schema.get("required", ())}
    stored = event.model_validate(sample).model_dump(mode="json")
    jsonschema.validate(stored, schema, cls=jsonschema.Draft202012Validator)
    assert event.model_validate(stored).model_dump(mode="json") == stored
    assert {field: stored[field] for field in sample} == sample


@pytest.mark.parametrize("event", EVENTS, ids=contract_name)
def test_a_field_of_a_later_release_is_ignored(event: type[EventData]) -> None:
    schema = stored_schemas()[contract_name(event)]
    sample = {field: sample_of(schema["properties"][field]) for field in schema.get("required", ())}
    assert event.model_validate({**sample, "added_later": 1}) == event.model_validate(sample)


def test_an_envelope_survives_json() -> None:
    schema = stored_schemas()["envelope.v1"]
    sample = {field: sample_of(schema["properties"][field]) for field in schema["required"]}
    envelope = Envelope.model_validate(sample)
    assert Envelope.model_validate_json(envelope.model_dump_json()) == envelope


def sample_of(shape: dict[str, Any]) -> Any:
    """Return the simplest value a schema allows."""
    if "anyOf" in shape:
        return sample_of(shape["anyOf"][0])
    if "enum" in shape:
        return shape["enum"][0]
    by_format = {
        "uuid": "0190a0b0-0000-7000-8000-000000000000",
        "date-time": "2026-09-18T08:00:00Z",
    }
    if "format" in shape:
        return by_format[shape["format"]]
    by_type: dict[str, Any] = {"string": "x", "boolean": True, "number": 1.5, "array": [], "object": {}}
    return shape.get("minimum", 1) if shape["type"] == "integer" else by_type[shape["type"]]
