"""Training one version: split, learn, measure on what was held back, write, put on record. Nothing is switched on."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from deploy.errors import StackError
from services.intake.db.suggestions import Version
from services.intake.suggestion.artefacts import save_model
from services.intake.suggestion.evaluation import evaluate
from services.intake.suggestion.examples import FEWEST_PER_LABEL, Example, TooFewExamples, split
from services.intake.suggestion.model import REST, Model
from services.intake.suggestion.training import ExtraMissing, train

ACTOR: Final = "minqing classifier"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train: the share that is held back, the seed of every shuffle, how few texts a category needs."""

    held_back: float = 0.2
    seed: int = 7
    fewest: int = FEWEST_PER_LABEL


@dataclass(frozen=True, slots=True)
class Trained:
    """A model with its report, not written anywhere yet."""

    model: Model
    report: dict[str, Any]
    examples: int


def trained(examples: Sequence[Example], version: str, recipe: Recipe, *, unusable: int = 0) -> Trained:
    """Learn from one part and measure on the other: what is switched on later is what was measured.

    Raises StackError when there is too little to learn from, or scikit-learn is missing.
    """
    began = time.monotonic()
    try:
        parts = split(examples, held_back=recipe.held_back, seed=recipe.seed, fewest=recipe.fewest)
        model = train(parts.training, version, seed=recipe.seed)
    except (TooFewExamples, ExtraMissing) as error:
        raise StackError(str(error)) from error
    seconds = round(time.monotonic() - began, 1)
    report = {
        "training": {
            "examples": len(parts.training),
            "repetitions": parts.repetitions,
            "unusable": unusable,
            "rare": parts.rare,
            "pieces": len(model.hashes),
            "seed": recipe.seed,
            "seconds": seconds,
        },
        "held_back": evaluate(model, parts.held_back),
    }
    return Trained(model, report, len(parts.training))


def version_name(now: datetime, taken: set[str]) -> str:
    """A name that sorts by time, such as 20260302-093000."""
    name = f"{now:%Y%m%d-%H%M%S}"
    number = 2
    while name in taken:
        name, number = f"{now:%Y%m%d-%H%M%S}-{number}", number + 1
    return name


def written(found: Trained, data_dir: Path, *, is_of_file: bool, now: datetime) -> Version:
    """Write the model's files and return what is to be put on record. Raises StackError."""
    try:
        sha256 = save_model(data_dir, found.model)
    except OSError as error:
        raise StackError(f"the model cannot be written to {data_dir}: {error.strerror or error}") from error
    return Version(
        version=found.model.version,
        origin="file" if is_of_file else "records",
        examples=found.examples,
        labels=tuple(label for label in found.model.labels if label != REST),
        sha256=sha256,
        report=found.report,
        created_at=now,
        created_by=ACTOR,
    )
