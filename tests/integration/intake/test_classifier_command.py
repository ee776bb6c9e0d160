"""`minqing classifier`: learning from the city's records, the report, switching on and off, and what is refused."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from deploy.cli import main
from services.intake.domain.categories import Category
from services.intake.use_cases.load_categories import load_categories
from shared.vocabulary import Service
from tests.integration.intake.classifier_room import VERSION, Room, room
from tests.support.confirmed_texts import made_up_city

__all__ = ["room"]


@pytest.fixture
def environment(
    database_urls: dict[Service, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> pytest.MonkeyPatch:
    for service, url in database_urls.items():
        monkeypatch.setenv(f"{service.name}_DATABASE_URL", url)
    monkeypatch.setenv("MINQING_DATA_DIR", str(tmp_path))
    return monkeypatch


@pytest.fixture
def city(room: Room, environment: pytest.MonkeyPatch) -> Room:
    """The room, with the command line pointed at its database and directory."""
    return room


async def minqing(*words: str) -> int:
    return await asyncio.to_thread(main, ["classifier", *words])


async def printed(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    capsys.readouterr()
    assert await minqing(*words, "--json") == 0
    return json.loads(capsys.readouterr().out)


async def fill(room: Room) -> None:
    """Put confirmed records in, as an agent at the phone does."""
    item = {"type": "complaint", "channel": "phone", "description": ""}
    items = [{**item, "title": each.question.title, "category_code": each.label} for each in made_up_city(30)]
    answer = await room.office.post("/v1/appeals/batch", {"items": items})
    assert answer.json()["created"] == 90, answer.text


def as_file(path: Path, lines: list[dict[str, str]]) -> str:
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return str(path)


async def test_a_model_learnt_from_the_citys_records_can_be_switched_on(
    city: Room, capsys: pytest.CaptureFixture[str]
) -> None:
    await fill(city)

    report = await printed(capsys, "train")

    version = report["version"]
    held_back = report["held_back"]
    assert (report["training"]["examples"], held_back["examples"]) == (72, 18)
    assert {"accuracy", "macro_f1", "per_category", "coverage", "confusions", "milliseconds"} <= held_back.keys()
    assert held_back["accuracy"] > 0.9
    assert (await city.suggest())["source"] == "lexicon"
    assert await minqing("activate", version) == 0
    city.office.desk.catalogue.forget()
    assert (await city.suggest())["version"] == version
    assert await minqing("deactivate") == 0
    city.office.desk.catalogue.forget()
    assert (await city.suggest())["source"] == "lexicon"


async def test_versions_are_listed_and_reported(city: Room, capsys: pytest.CaptureFixture[str]) -> None:
    await city.activate()

    [found] = await printed(capsys, "list")
    assert (found["version"], found["active"], found["categories"]) == (VERSION, True, ["0101", "0203", "0204"])
    report = await printed(capsys, "report", VERSION)
    assert report["held_back"] == city.version.report["held_back"]
    capsys.readouterr()
    assert await minqing("report", VERSION) == 0
    assert "accuracy" in capsys.readouterr().out
    assert await minqing("list") == 0
    assert VERSION in capsys.readouterr().out


async def test_a_file_can_be_evaluated_without_keeping_anything(
    city: Room, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [{"said": each.question.title, "kind": each.label} for each in made_up_city(20)]
    file = as_file(tmp_path / "texts.jsonl", lines)

    report = await printed(capsys, "evaluate", "--data", file, "--text-column", "said", "--label-column", "kind")

    assert report["held_back"]["examples"] == 12
    assert [row["version"] for row in await city.office.rows("classifier_versions")] == [VERSION]
    assert [path.name for path in (city.data_dir / "classifiers").iterdir()] == [VERSION]


async def test_a_version_is_measured_on_new_texts(
    city: Room, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [{"text": each.question.title, "label": each.label} for each in made_up_city(10, seed=99)]

    report = await printed(capsys, "evaluate", VERSION, "--data", as_file(tmp_path / "new.jsonl", lines))

    assert (report["version"], report["held_back"]["examples"]) == (VERSION, 30)
    assert report["held_back"]["accuracy"] > 0.9


async def test_a_model_of_foreign_labels_is_trained_but_never_switched_on(
    city: Room, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [{"text": each.question.title, "label": f"topic {each.label}"} for each in made_up_city(20)]
    report = await printed(capsys, "train", "--data", as_file(tmp_path / "texts.jsonl", lines))
    capsys.readouterr()

    assert await minqing("activate", report["version"]) == 1

    assert "topic 0101" in capsys.readouterr().err
    assert await city.office.rows("classifier_switches") == []


async def test_a_model_whose_category_has_gone_is_refused(city: Room, capsys: pytest.CaptureFixture[str]) -> None:
    gone = Category("0204", "Lamps", "路灯照明", level=1, retired=True)
    await city.office.database.transact(lambda uow: load_categories(uow, [gone]))

    assert await minqing("activate", VERSION) == 1
    assert "0204" in capsys.readouterr().err


async def test_a_model_whose_files_are_not_its_own_is_refused(city: Room, capsys: pytest.CaptureFixture[str]) -> None:
    (city.directory / "weights.npz").write_bytes(b"something else")

    assert await minqing("activate", VERSION) == 1
    assert "SHA-256" in capsys.readouterr().err


async def test_too_few_records_are_one_clear_line(city: Room, capsys: pytest.CaptureFixture[str]) -> None:
    assert await minqing("train") == 1
    assert "at least 2 are needed" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("report", "20200101-000000"), ("activate", "../../etc"), ("evaluate", "none")])
async def test_a_version_that_is_not_there_is_one_clear_line(
    city: Room, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert await minqing(*words) == 1
    assert "There is no classifier" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", '{"text": "x"}\n', "line 1: label missing or empty"),
        ("a.jsonl", "not json\n", "line 1: not JSON"),
        ("a.jsonl", "[1]\n", "line 1: not a JSON object"),
        ("a.csv", "text,label\nx,\n", "line 2: label missing or empty"),
        ("a.csv", "text,label,channel\nx,y,carrier pigeon\n", "carrier pigeon"),
        ("a.txt", "x", "give a .csv or .jsonl file"),
        ("a.jsonl.gz", "not gzip", "cannot be read"),
    ],
)
async def test_a_file_that_cannot_be_read_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: str, said: str
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")

    assert await minqing("evaluate", "--data", str(tmp_path / name)) == 1
    assert said in capsys.readouterr().err
