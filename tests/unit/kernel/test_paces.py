"""Every edge has a pace, and the one a department waits for is the quickest."""

from shared.contracts.topology import PACES, edges
from shared.vocabulary import Service


def test_every_edge_has_a_pace_and_nothing_else_has() -> None:
    assert sorted(PACES) == list(edges())


def test_what_a_department_waits_for_goes_first() -> None:
    assert min(PACES, key=PACES.__getitem__) == (Service.INTAKE, Service.DISPATCH)
