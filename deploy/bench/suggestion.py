"""How long one suggestion takes, and, with the city's labelled texts, how good a model trained on them is.

No database, no network: what the service does beside them is one look-up of a version per second.
"""

import argparse
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from deploy.bench.report import Figure, median_figure
from deploy.city.pack import read_pack
from deploy.errors import StackError
from deploy.settings import city_pack
from services.intake.domain.categories import Category
from services.intake.domain.suggestion import Advice, Question
from services.intake.suggestion.examples import Example
from services.intake.suggestion.lexicon import Lexicon
from services.intake.suggestion.synonyms import words_of

TEXTS, PER_CATEGORY, CHARACTERS = 1_000, 30, 300
BAR_MILLISECONDS: Final = 5.0
BAR_MACRO_F1: Final = 0.92
ACCEPT_AT: Final = 0.95
_BETWEEN: Final = "，请尽快处理。我们这里已经好几天了，居民意见很大，打过电话没有人管，希望领导重视"


def configure_suggestion(parser: argparse.ArgumentParser) -> None:
    """Add what only this part needs."""
    parser.add_argument("--data", type=Path, metavar="FILE", help="labelled texts: measure suggestion on them too")
    parser.add_argument("--text-column", default="text", help="where the text stands in --data (text)")
    parser.add_argument("--label-column", default="label", help="where the category stands in --data (label)")


def suggestion_figures(options: argparse.Namespace) -> list[Figure]:
    """Latency of the lexicon and of a model; with `--data` the quality of the model trained on it."""
    tree = _taxonomy()
    examples = _synthetic(tree)
    questions = [example.question for example in random.Random(7).sample(examples, TEXTS)]  # noqa: S311
    lexicon = Lexicon(tree, {code: words_of(category) for code, category in tree.items()})
    figures = _latency("by the words of the taxonomy", lexicon.advise, questions, options.rounds)
    try:
        return [*figures, *_model_figures(options, examples, questions)]
    except StackError as error:
        if options.data is not None:
            raise
        return [*figures, Figure("one suggestion by a model", float("nan"), "ms", note=str(error))]


def _model_figures(
    options: argparse.Namespace, examples: Sequence[Example], questions: Sequence[Question]
) -> list[Figure]:
    from deploy.classifier.texts import Columns, read_examples
    from deploy.classifier.train import Recipe, trained

    if options.data is None:
        model = trained(examples, "bench", Recipe()).model
        what = f"by a model of {len(model.labels)} categories, {len(model.hashes):,} pieces"
        return _latency(what, model.advise, questions, options.rounds)
    texts = read_examples(options.data, Columns(options.text_column, options.label_column))
    found = trained(texts, "bench", Recipe())
    model, report = found.model, found.report["held_back"]
    asked = [example.question for example in texts[:TEXTS]]
    what = f"by a model of {len(model.labels)} categories, {len(model.hashes):,} pieces"
    at = next(row for row in report["coverage"] if row["confidence"] == ACCEPT_AT)
    note = f"{found.examples:,} texts learnt, {report['examples']:,} held back"
    return [
        *_latency(what, model.advise, asked, options.rounds),
        Figure("macro-F1 on texts held back", report["macro_f1"], "", BAR_MACRO_F1, "higher", note=note),
        Figure("accuracy on texts held back", report["accuracy"], ""),
        Figure(f"decided from confidence {ACCEPT_AT} on", at["share"] * 100, "%"),
        Figure("of these right", at["right"] * 100, "%"),
    ]


def _latency(
    what: str, advise: Callable[[Question], Advice], questions: Sequence[Question], rounds: int
) -> list[Figure]:
    p50, p95 = [], []
    for _ in range(rounds):
        took = []
        for question in questions:
            began = time.perf_counter()
            advise(question)
            took.append((time.perf_counter() - began) * 1_000)
        p50.append(float(np.quantile(took, 0.5)))
        p95.append(float(np.quantile(took, 0.95)))
    name = f"one suggestion {what}"
    return [
        median_figure(f"{name}, p50", p50, "ms", bar=BAR_MILLISECONDS, better="lower"),
        median_figure(f"{name}, p95", p95, "ms", bar=BAR_MILLISECONDS, better="lower"),
    ]


def _taxonomy() -> dict[str, Category]:
    """The default taxonomy, as intake would hold it."""
    directory = city_pack("weidu")
    if directory is None:
        raise StackError("the default city pack is missing")
    return {
        row.code: Category(
            row.code,
            row.name_en or row.name,
            row.name,
            parent_code=row.parent_code,
            location_required=row.location_required,
        )
        for row in read_pack(directory).categories
    }


def _synthetic(tree: dict[str, Category]) -> list[Example]:
    """Texts of about 300 characters put together from the words of each category."""
    chance = random.Random(7)  # noqa: S311 - a load pattern
    examples = []
    for code, category in tree.items():
        words = words_of(category)
        for number in range(PER_CATEGORY if words else 0):
            said = [chance.choice(words) + _BETWEEN[: chance.randint(0, len(_BETWEEN))] for _ in range(20)]
            text = f"{number}号" + "".join(said)
            examples.append(Example(Question(text[:30], text[30:CHARACTERS]), code))
    return examples
