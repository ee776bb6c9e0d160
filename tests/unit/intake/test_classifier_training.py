"""Learning from made-up texts: the split is fair, the model is repeatable, doubtful texts stay doubtful."""

from collections import Counter

import numpy as np
import pytest

from services.intake.domain.suggestion import Question
from services.intake.suggestion.evaluation import evaluate
from services.intake.suggestion.examples import Example, TooFewExamples, split
from services.intake.suggestion.features import pieces_of
from services.intake.suggestion.model import REST, Model
from services.intake.suggestion.training import train
from shared.vocabulary import AppealType
from tests.support.confirmed_texts import made_up, made_up_city

TEXTS = made_up_city(40)


@pytest.fixture(scope="module")
def model() -> Model:
    return train(TEXTS, "v1", seed=7)


def test_it_knows_texts_it_has_not_seen(model: Model) -> None:
    report = evaluate(model, made_up_city(20, seed=2))

    assert report["accuracy"] >= 0.95
    assert report["macro_f1"] >= 0.95
    assert report["in_first_three"] == 1.0


def test_the_words_that_decided_stand_in_the_text(model: Model) -> None:
    text = "建设路7号路灯不亮，灯杆，谢谢"
    found = model.advise(Question(text)).suggestions[0]

    assert found.category_code == "0204"
    assert found.words
    assert all(each.word in text and 0 < each.weight <= 1 for each in found.words)
    assert any("路灯" in each.word or "灯杆" in each.word for each in found.words)


def test_a_text_of_nothing_that_was_learnt_is_not_sure_of_anything(model: Model) -> None:
    found = model.advise(Question("孩子上学户口怎么办理"))

    assert all(each.confidence < 0.9 for each in found.suggestions)


@pytest.mark.parametrize("text", ["", "\n", "qqq", "\ud800", "\U0001f600"])
def test_a_text_without_a_single_known_piece_gets_no_suggestion(model: Model, text: str) -> None:
    assert model.advise(Question(text)).suggestions == ()


def test_confidences_are_probabilities(model: Model) -> None:
    for example in made_up_city(5, seed=3):
        found = [each.confidence for each in model.advise(example.question).suggestions]
        assert found == sorted(found, reverse=True)
        assert 0 < sum(found) <= 1.001


def test_the_same_texts_and_seed_give_the_same_model(model: Model) -> None:
    again = train(TEXTS, "v1", seed=7)

    assert np.array_equal(again.weights, model.weights)
    assert np.array_equal(again.slopes, model.slopes)


def test_two_categories_are_enough() -> None:
    both = train([*made_up("0101", 15), *made_up("0203", 15)], "v1", seed=7)
    report = evaluate(both, [*made_up("0101", 9, seed=5), *made_up("0203", 9, seed=5)])

    assert (both.labels, report["accuracy"]) == (("0101", "0203"), 1.0)


def test_retired_labels_are_renamed_merged_or_left_out(model: Model) -> None:
    lamps = Question("建设路7号路灯不亮，灯杆，漆黑")

    assert model.advise(lamps, {"0204": "0101"}).suggestions[0].category_code == "0101"
    assert "0204" not in [each.category_code for each in model.advise(lamps, {"0204": None}).suggestions]


def test_what_an_appeal_says_besides_its_text_is_learnt_too() -> None:
    def said(label: str, type_: AppealType) -> list[Example]:
        return [Example(Question(f"事情{n}", type=type_), label) for n in range(30)]

    of_type = train([*said("a", AppealType.PRAISE), *said("b", AppealType.COMPLAINT)], "v1", seed=7)

    assert of_type.judge(Question("事情", type=AppealType.PRAISE))[0] == "a"
    assert of_type.judge(Question("事情", type=AppealType.COMPLAINT))[0] == "b"


def test_the_held_back_part_has_its_share_of_every_label() -> None:
    parts = split(TEXTS, held_back=0.2, seed=7)

    assert Counter(example.label for example in parts.held_back) == {"0101": 8, "0203": 8, "0204": 8}
    assert len(parts.training) == 96


def test_no_text_stands_in_both_parts() -> None:
    repeated = [*TEXTS, *(Example(Question(f" {each.question.title}　"), each.label) for each in TEXTS)]
    parts = split(repeated, held_back=0.3, seed=7)

    learnt = {example.question.title.strip() for example in parts.training}
    assert not learnt & {example.question.title.strip() for example in parts.held_back}
    assert parts.repetitions == 120


def test_of_repetitions_the_last_label_counts() -> None:
    twice = [*TEXTS, Example(TEXTS[0].question, "0203")]
    parts = split(twice, held_back=0.2, seed=7)

    [label] = {each.label for each in (*parts.training, *parts.held_back) if each.question == TEXTS[0].question}
    assert (TEXTS[0].label, label) == ("0101", "0203")


def test_categories_with_too_few_texts_become_the_rest_and_are_never_suggested() -> None:
    rare = [Example(each.question, f"rare{n % 4}") for n, each in enumerate(made_up("0204", 24, seed=8))]
    parts = split([*made_up("0101", 30), *made_up("0203", 30), *rare], held_back=0.2, seed=7)

    assert parts.rare == {"rare0": 6, "rare1": 6, "rare2": 6, "rare3": 6}
    learnt = train(parts.training, "v1", seed=7)
    lamps = Question("西关9号路灯不亮，漆黑，谢谢")
    assert learnt.labels == (REST, "0101", "0203")
    assert learnt.judge(lamps)[0] == REST
    assert REST not in [each.category_code for each in learnt.advise(lamps).suggestions]


def test_a_few_rare_texts_are_left_out_altogether() -> None:
    parts = split([*TEXTS, Example(Question("别的事"), "rare")], held_back=0.2, seed=7)

    assert REST not in {example.label for example in (*parts.training, *parts.held_back)}


def test_too_little_to_learn_from_is_said() -> None:
    with pytest.raises(TooFewExamples, match="1 categories have 10"):
        split(made_up("0101", 20), held_back=0.2, seed=7)
    with pytest.raises(TooFewExamples, match="0 records were read"):
        split([], held_back=0.2, seed=7)


def test_coverage_and_confusions_count_what_was_decided(model: Model) -> None:
    wrong = [Example(each.question, "0203") for each in made_up("0101", 4, seed=6)]
    report = evaluate(model, [*made_up("0101", 6, seed=5), *wrong])

    assert report["accuracy"] == 0.6
    assert report["confusions"] == [{"actual": "0203", "suggested": "0101", "texts": 4}]
    half = report["coverage"][0]
    assert (half["confidence"], half["share"], half["right"]) == (0.5, 1.0, 0.6)
    assert all(
        row["share"] <= before["share"] for before, row in zip(report["coverage"], report["coverage"][1:], strict=False)
    )


def test_a_model_holds_no_text() -> None:
    """Pieces are hashed; not one character of what citizens said is in the arrays."""
    pieces = pieces_of(Question("井盖"))

    assert len(pieces.hashes) == 3
    assert len(set(pieces.hashes.tolist())) == 3
    assert min(pieces.hashes.tolist()) > 0x10FFFF


def test_masks_are_not_learnt() -> None:
    assert pieces_of(Question("[phone] 井盖")).hashes.tolist() == pieces_of(Question("井盖")).hashes.tolist()
