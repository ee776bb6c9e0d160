"""The file is split where six months end, by the city's own clock; a file that cannot serve is refused."""

import csv
import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.city import read_pack
from deploy.demo.preparing import CITY, SAMPLE, learn_rules, prepare
from deploy.demo.requests import Requests, read_requests, write_history
from deploy.errors import StackError
from deploy.importing.command import MAPPINGS
from deploy.importing.mapping import read_mapping

MAPPING = read_mapping(MAPPINGS / "boston.toml")
PACK = read_pack(CITY)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def lines() -> list[str]:
    with gzip.open(SAMPLE, "rt", newline="") as file:
        return file.readlines()


def read(path: Path) -> Requests:
    return read_requests(path, MAPPING, PACK, NOW)


def test_the_first_six_months_teach_and_the_rest_is_sent_in_order() -> None:
    requests = read(SAMPLE)
    border = datetime(2015, 7, 1, 4, tzinfo=UTC)  # midnight in Boston

    assert max(each.past.opened_at for each in requests.history) < border
    assert min(each.past.opened_at for each in requests.following) >= border
    assert [e.past.opened_at for e in requests.following] == sorted(e.past.opened_at for e in requests.following)
    assert len(requests.history) + len(requests.following) + requests.left_out == 5_000
    assert requests.left_out < 20


def test_the_history_can_be_written_in_the_citys_own_format(tmp_path: Path) -> None:
    requests = read(SAMPLE)
    write_history(tmp_path / "history.csv", requests.header, requests.history[:10])

    with (tmp_path / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["case_enquiry_id"] for row in rows] == [each.past.external_id for each in requests.history[:10]]


def test_a_file_that_ends_with_the_learning_months_is_refused(tmp_path: Path) -> None:
    (tmp_path / "short.csv").write_text("".join(lines()[:500]))

    with pytest.raises(StackError, match="ends before July 2015"):
        read(tmp_path / "short.csv")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")

    with pytest.raises(StackError, match="has no column case_enquiry_id, closed_dt"):
        read(tmp_path / "other.csv")


def test_the_prepared_pack_holds_the_learned_rules_and_is_good(tmp_path: Path) -> None:
    prepared = prepare(SAMPLE, tmp_path)

    assert [rule.id for rule in prepared.pack.rules] == [rule.id for rule in prepared.learned.rules]
    assert prepared.learned == learn_rules(prepared.requests.history)
    assert not (prepared.directory / SAMPLE.name).exists()
