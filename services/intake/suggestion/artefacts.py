"""Models on disk: a JSON description and an npz of plain arrays, never pickled, each bound to its SHA-256.

The database keeps the digest of the description, the description keeps that of the arrays: a file that was changed,
cut short or swapped is refused before anything of it is used.
"""

import hashlib
import io
import json
import os
import re
from pathlib import Path
from typing import Any, Final

import numpy as np

from services.intake.suggestion.features import VERSION as FEATURES
from services.intake.suggestion.model import Model

FORMAT: Final = 1
_DESCRIPTION: Final = "model.json"
_ARRAYS: Final = "weights.npz"
_LARGEST_DESCRIPTION: Final = 4 * 1024 * 1024
_LARGEST_ARRAYS: Final = 512 * 1024 * 1024
_VERSION: Final = re.compile(r"[0-9a-z][0-9a-z-]{0,39}", re.ASCII)
# Each array with its type and its number of dimensions.
_SHAPES: Final = {
    "hashes": (np.uint64, 1),
    "rarity": (np.float32, 1),
    "weights": (np.float16, 2),
    "offsets": (np.float32, 1),
    "slopes": (np.float32, 1),
    "shifts": (np.float32, 1),
}


class Unusable(Exception):
    """A model cannot be used; the message says why and names no content."""


def directory_of(data_dir: Path, version: str) -> Path:
    """Where a version lies. Raises Unusable for a name that is none, so that no path is made of it."""
    if _VERSION.fullmatch(version) is None:
        raise Unusable("that is not the name of a version")
    return data_dir / "classifiers" / version


def save_model(data_dir: Path, model: Model) -> bytes:
    """Write a model, whole or not at all; return the SHA-256 to be kept with its version.

    Raises FileExistsError when the version is there already.
    """
    directory = directory_of(data_dir, model.version)
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        hashes=model.hashes,
        rarity=model.rarity,
        weights=model.weights,
        offsets=model.offsets,
        slopes=model.slopes,
        shifts=model.shifts,
    )
    arrays = buffer.getvalue()
    description = {
        "format": FORMAT,
        "features": FEATURES,
        "version": model.version,
        "labels": list(model.labels),
        "arrays_sha256": hashlib.sha256(arrays).hexdigest(),
    }
    text = json.dumps(description, ensure_ascii=False, indent=1).encode()
    directory.parent.mkdir(parents=True, exist_ok=True)
    if directory.exists():
        raise FileExistsError(directory)
    draft = directory.with_name(f".{model.version}.{os.getpid()}")
    draft.mkdir(mode=0o750)
    for name, content in ((_ARRAYS, arrays), (_DESCRIPTION, text)):
        with (draft / name).open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    draft.rename(directory)
    return hashlib.sha256(text).digest()


def load_model(data_dir: Path, version: str, sha256: bytes) -> Model:
    """Read a model and check every byte of it against its digest. Raises Unusable saying what is wrong."""
    text = check_description(data_dir, version, sha256)
    try:
        description = json.loads(text)
        labels = tuple(str(label) for label in description["labels"])
        expected = str(description["arrays_sha256"])
        written = (description["format"], description["features"], description["version"])
    except (ValueError, KeyError, TypeError) as error:
        raise Unusable(f"{_DESCRIPTION} cannot be read") from error
    if written != (FORMAT, FEATURES, version):
        raise Unusable("it was trained by another release: train again")
    arrays = _read(directory_of(data_dir, version) / _ARRAYS, _LARGEST_ARRAYS)
    if hashlib.sha256(arrays).hexdigest() != expected:
        raise Unusable(f"{_ARRAYS} is not the one that was trained: its SHA-256 differs")
    return _model(version, labels, _arrays(arrays))


def check_description(data_dir: Path, version: str, sha256: bytes) -> bytes:
    """Return a version's description, checked against its digest. Raises Unusable."""
    text = _read(directory_of(data_dir, version) / _DESCRIPTION, _LARGEST_DESCRIPTION)
    if hashlib.sha256(text).digest() != sha256:
        raise Unusable(f"{_DESCRIPTION} is not the one that was trained: its SHA-256 differs")
    return text


def _read(path: Path, largest: int) -> bytes:
    try:
        if path.stat().st_size > largest:
            raise Unusable(f"{path.name} is larger than a model can be")
        return path.read_bytes()
    except OSError as error:
        raise Unusable(f"{path.name} cannot be read: {error.strerror}") from error


def _arrays(content: bytes) -> dict[str, Any]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as found:
            return {name: found[name] for name in _SHAPES}
    except Exception as error:  # whatever is inside: a zip, an array and a header can each be broken in their own way
        raise Unusable(f"{_ARRAYS} cannot be read") from error


def _model(version: str, labels: tuple[str, ...], arrays: dict[str, Any]) -> Model:
    for name, (kind, dimensions) in _SHAPES.items():
        if arrays[name].dtype != kind or arrays[name].ndim != dimensions:
            raise Unusable(f"{name} has another shape than a model's")
    if arrays["weights"].shape != (len(arrays["hashes"]), len(labels)) or len(arrays["rarity"]) != len(
        arrays["hashes"]
    ):
        raise Unusable("its arrays do not fit together")
    if any(len(arrays[name]) != len(labels) for name in ("offsets", "slopes", "shifts")):
        raise Unusable("its arrays do not fit together")
    return Model(version=version, labels=labels, **arrays)
