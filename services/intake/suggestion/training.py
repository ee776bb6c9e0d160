"""Training: a linear support vector machine over weighted pieces of texts, and a curve from margins to confidences.

Needs scikit-learn (the extra `suggest`), imported here and nowhere else, and only when somebody trains.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.intake.suggestion.examples import Example, labels_of
from services.intake.suggestion.features import Hashes, pieces_of
from services.intake.suggestion.model import Model, encode

# A model is held in memory by every API process: 16 MB at most.
_MOST_WEIGHTS: Final = 8_000_000
_FOLDS: Final = 3
_CHUNK: Final = 2_000
_PENALTY: Final = 1.0


class ExtraMissing(Exception):
    """scikit-learn is not installed: `pip install minqing[suggest]`."""


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    hashes: Hashes
    rarity: NDArray[np.float32]


def train(examples: Sequence[Example], version: str, *, seed: int) -> Model:
    """Learn from examples; the same examples and seed give the same model. Raises ExtraMissing."""
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import StratifiedKFold, cross_val_predict
        from sklearn.svm import LinearSVC
    except ImportError as error:
        raise ExtraMissing(ExtraMissing.__doc__) from error
    labels = labels_of(examples)
    vocabulary = _vocabulary_of(examples, len(labels))
    matrix = _matrix_of(examples, vocabulary)
    numbers = np.array([labels.index(example.label) for example in examples])
    machine = LinearSVC(C=_PENALTY, class_weight="balanced", random_state=seed)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    unseen = _two_sided(cross_val_predict(machine, matrix, numbers, cv=folds, method="decision_function"))
    slopes, shifts = np.ones(len(labels), np.float32), np.zeros(len(labels), np.float32)
    for index in range(len(labels)):
        curve = LogisticRegression(C=1_000.0).fit(unseen[:, [index]], numbers == index)
        slopes[index], shifts[index] = curve.coef_[0, 0], curve.intercept_[0]
    machine.fit(matrix, numbers)
    return Model(
        version=version,
        labels=labels,
        hashes=vocabulary.hashes,
        rarity=vocabulary.rarity,
        weights=np.ascontiguousarray(_two_sided(machine.coef_.T), np.float16),
        offsets=_two_sided(machine.intercept_[None, :])[0].astype(np.float32),
        slopes=slopes,
        shifts=shifts,
    )


def _two_sided(values: NDArray[Any]) -> NDArray[Any]:
    """Of two labels the machine knows one column: the other is its opposite."""
    columns = values.reshape(len(values), -1)
    return np.hstack([-columns, columns]) if columns.shape[1] == 1 else columns


def _vocabulary_of(examples: Sequence[Example], labels: int) -> _Vocabulary:
    """The pieces that stand in several texts, the most frequent ones if there are too many.

    Texts are cut anew each time they are needed: the pieces of all of them together would fill gigabytes.
    """
    hashes, documents = np.zeros(0, np.uint64), np.zeros(0, np.int64)
    for start in range(0, len(examples), _CHUNK):
        chunk = [np.unique(pieces_of(each.question).hashes) for each in examples[start : start + _CHUNK]]
        found, counts = np.unique(np.concatenate(chunk), return_counts=True)
        merged, places = np.unique(np.concatenate([hashes, found]), return_inverse=True)
        documents = np.bincount(places, np.concatenate([documents, counts]), len(merged)).astype(np.int64)
        hashes = merged
    fewest = 2 if len(examples) < 1_000 else 3 if len(examples) < 3_000 else 5
    most = _MOST_WEIGHTS // labels
    often = documents >= fewest
    if int(often.sum()) > most:
        often = documents > np.partition(documents, -most)[-most]
    rarity = np.log((1 + len(examples)) / (1 + documents[often])) + 1.0
    return _Vocabulary(hashes[often], rarity.astype(np.float32))


def _matrix_of(examples: Sequence[Example], vocabulary: _Vocabulary) -> Any:
    """A sparse matrix, a row per text; encoded by the same code that encodes what is asked later."""
    from scipy.sparse import csr_matrix

    encoded = [encode(pieces_of(each.question), vocabulary.hashes, vocabulary.rarity) for each in examples]
    ends = np.cumsum([0, *(len(each.rows) for each in encoded)])
    places = np.concatenate([each.rows for each in encoded])
    values = np.concatenate([each.values for each in encoded])
    return csr_matrix((values, places, ends), shape=(len(examples), len(vocabulary.hashes)))
