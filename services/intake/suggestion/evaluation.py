"""How good a model is, measured on texts it has not seen: what decides whether it may be switched on.

NumPy only, so that a report can be made again wherever the model can be used.
"""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from services.intake.suggestion.examples import Example
from services.intake.suggestion.model import REST, Model

CONFIDENCES: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
_MOST_CONFUSIONS: Final = 20
_REST_SHOWN: Final = "(rest)"


def evaluate(model: Model, examples: Sequence[Example]) -> dict[str, Any]:
    """Return the report: accuracy, macro-F1, each label, coverage at a confidence, confusions, milliseconds a text."""
    actual: list[str] = []
    predicted: list[str] = []
    sure: list[float] = []
    took: list[float] = []
    in_three = 0
    for example in examples:
        began = time.perf_counter()
        advice = model.advise(example.question)
        took.append((time.perf_counter() - began) * 1000)
        in_three += example.label in {each.category_code for each in advice.suggestions}
        label, confidence = model.judge(example.question)
        actual.append(example.label)
        predicted.append(label)
        sure.append(confidence)
    per_label = [_label_figures(label, actual, predicted) for label in sorted({*actual, *predicted})]
    known = [figures for figures in per_label if figures["examples"]]
    return {
        "examples": len(examples),
        "accuracy": _share(sum(a == p for a, p in zip(actual, predicted, strict=True)), len(actual)),
        "macro_f1": round(sum(figures["f1"] for figures in known) / max(len(known), 1), 4),
        "in_first_three": _share(in_three, len(actual)),
        "per_category": per_label,
        "coverage": [_coverage(at, actual, predicted, sure) for at in CONFIDENCES],
        "confusions": _confusions(actual, predicted),
        "milliseconds": {name: _quantile(took, share) for name, share in (("p50", 0.5), ("p95", 0.95), ("max", 1.0))},
    }


def _label_figures(label: str, actual: Sequence[str], predicted: Sequence[str]) -> dict[str, Any]:
    both = sum(a == p == label for a, p in zip(actual, predicted, strict=True))
    given, said = actual.count(label), predicted.count(label)
    return {
        "category": label or _REST_SHOWN,
        "examples": given,
        "precision": _share(both, said),
        "recall": _share(both, given),
        "f1": _share(2 * both, given + said),
    }


def _coverage(at: float, actual: Sequence[str], predicted: Sequence[str], sure: Sequence[float]) -> dict[str, float]:
    """Which share of the texts would be decided from this confidence on, and how many of these rightly.

    What is put with the rest is never decided.
    """
    decided = [
        a == p for a, p, confidence in zip(actual, predicted, sure, strict=True) if confidence >= at and p != REST
    ]
    return {
        "confidence": at,
        "share": _share(len(decided), len(actual)),
        "right": _share(sum(decided), len(decided)),
    }


def _confusions(actual: Sequence[str], predicted: Sequence[str]) -> list[dict[str, Any]]:
    wrong = Counter((a, p) for a, p in zip(actual, predicted, strict=True) if a != p)
    best = sorted(wrong.items(), key=lambda each: (-each[1], each[0]))[:_MOST_CONFUSIONS]
    return [{"actual": a or _REST_SHOWN, "suggested": p or _REST_SHOWN, "texts": count} for (a, p), count in best]


def _share(part: float, whole: float) -> float:
    return round(part / whole, 4) if whole else 0.0


def _quantile(values: Sequence[float], share: float) -> float:
    return round(float(np.quantile(values, share)), 3) if values else 0.0
