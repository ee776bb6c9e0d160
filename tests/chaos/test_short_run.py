"""A short chaos run: every part is hit once under load, and the promise holds afterwards."""

import argparse
from pathlib import Path

import pytest

from deploy.chaos.command import chaos
from deploy.chaos.hits import every_hit
from deploy.chaos.load import Lease, Ledger


@pytest.mark.timeout(600)
@pytest.mark.xdist_group("stack")
def test_every_part_may_die_under_load_and_nothing_is_lost(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory: Path = tmp_path_factory.mktemp("c", numbered=True)
    options = argparse.Namespace(minutes=0.0, rate=8.0, seed=7, pause=0.3, once=True)
    outcome = chaos(directory, options, print)
    broken = {check.name: check.broken for check in outcome.checks if not check.ok}
    assert broken == {}
    assert len(outcome.checks) == 7
    assert set(outcome.recoveries) == {hit.name for hit in every_hit()}
    assert outcome.accepted > 50
    assert outcome.replays > 0
    assert outcome.handled > 0


def test_a_ticket_leased_twice_at_once_is_a_contradiction() -> None:
    ledger = Ledger()
    ledger.note_lease(Lease("ticket", "A", began=0.0, ends=30.0))
    ledger.note_lease(Lease("ticket", "A", began=31.0, ends=61.0))
    assert ledger.contradictions == []
    ledger.note_lease(Lease("ticket", "B", began=60.9, ends=90.0))
    assert len(ledger.contradictions) == 1


def test_a_key_answered_in_two_ways_is_a_contradiction() -> None:
    ledger = Ledger()
    ledger.note_reply("key", "1", "first", b"one")
    ledger.note_reply("key", "1", "first", b"one")
    assert ledger.contradictions == []
    ledger.note_reply("key", "2", "second", b"two")
    assert len(ledger.contradictions) == 1
