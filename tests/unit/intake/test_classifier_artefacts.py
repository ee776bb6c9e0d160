"""Models on disk: what is written is what is read, nothing is ever unpickled, nothing changed is ever used."""

import ast
import hashlib
import io
import json
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from services.intake.domain.suggestion import Question
from services.intake.suggestion import artefacts
from services.intake.suggestion.artefacts import Unusable, load_model, save_model
from services.intake.suggestion.model import Model
from services.intake.suggestion.training import train
from tests.support.confirmed_texts import made_up_city

PACKAGE = Path(artefacts.__file__).parent
PICKLES = {"pickle", "cPickle", "dill", "joblib", "cloudpickle", "shelve", "marshal"}


@pytest.fixture(scope="module")
def model() -> Model:
    return train(made_up_city(15), "v1", seed=7)


def test_a_model_is_read_as_it_was_written(model: Model, tmp_path: Path) -> None:
    sha256 = save_model(tmp_path, model)

    again = load_model(tmp_path, "v1", sha256)

    question = Question("建设路7号路灯不亮")
    assert again.advise(question) == model.advise(question)
    assert sorted(path.name for path in (tmp_path / "classifiers" / "v1").iterdir()) == ["model.json", "weights.npz"]


def test_an_array_of_objects_is_refused_before_it_is_unpickled(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even with every digest right, as somebody who can write files and rows could make them."""
    save_model(tmp_path, model)
    directory = tmp_path / "classifiers" / "v1"
    marker = tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(marker),)

    buffer = io.BytesIO()
    arrays = {name: np.zeros(1) for name in ("rarity", "weights", "offsets", "slopes", "shifts")}
    np.savez(buffer, hashes=np.array([Evil()], dtype=object), **arrays)  # type: ignore[arg-type]
    (directory / "weights.npz").write_bytes(buffer.getvalue())
    description = json.loads((directory / "model.json").read_text())
    description["arrays_sha256"] = hashlib.sha256(buffer.getvalue()).hexdigest()
    text = json.dumps(description).encode()
    (directory / "model.json").write_bytes(text)
    monkeypatch.setattr(pickle, "load", lambda *_a, **_k: pytest.fail("unpickled"))

    with pytest.raises(Unusable, match="cannot be read"):
        load_model(tmp_path, "v1", hashlib.sha256(text).digest())
    assert not marker.exists()


def test_no_module_of_the_classifier_can_unpickle() -> None:
    files = [*PACKAGE.glob("*.py"), *(PACKAGE.parents[2] / "deploy" / "classifier").glob("*.py")]
    assert len(files) > 10
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not PICKLES & {name.partition(".")[0] for name in names}, file
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "np.load":
                assert "allow_pickle=False" in ast.unparse(node), file


@pytest.mark.parametrize("file", ["model.json", "weights.npz"])
@pytest.mark.parametrize("place", [0, 100, -1])
def test_one_changed_bit_is_noticed(model: Model, tmp_path: Path, file: str, place: int) -> None:
    sha256 = save_model(tmp_path, model)
    path = tmp_path / "classifiers" / "v1" / file
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(bytes(content))

    with pytest.raises(Unusable, match="SHA-256"):
        load_model(tmp_path, "v1", sha256)


@pytest.mark.parametrize("file", ["model.json", "weights.npz"])
def test_a_missing_file_is_said_without_its_path(model: Model, tmp_path: Path, file: str) -> None:
    sha256 = save_model(tmp_path, model)
    (tmp_path / "classifiers" / "v1" / file).unlink()

    with pytest.raises(Unusable, match=f"^{file} cannot be read") as refused:
        load_model(tmp_path, "v1", sha256)
    assert str(tmp_path) not in str(refused.value)


@pytest.mark.parametrize("name", ["..", "../v1", "/etc", "", "v1/../../x", "V1", "a" * 41, "v1\n"])
def test_a_name_that_could_lead_elsewhere_is_no_version(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unusable, match="not the name"):
        load_model(tmp_path, name, b"")


def test_another_version_under_this_name_is_refused(model: Model, tmp_path: Path) -> None:
    sha256 = save_model(tmp_path, model)
    (tmp_path / "classifiers" / "v1").rename(tmp_path / "classifiers" / "v2")

    with pytest.raises(Unusable, match="another release"):
        load_model(tmp_path, "v2", sha256)


def test_a_version_is_never_written_over(model: Model, tmp_path: Path) -> None:
    save_model(tmp_path, model)
    with pytest.raises(FileExistsError):
        save_model(tmp_path, model)


def test_arrays_that_do_not_fit_together_are_refused(model: Model, tmp_path: Path) -> None:
    import dataclasses

    sha256 = save_model(tmp_path, dataclasses.replace(model, offsets=model.offsets[:1]))

    with pytest.raises(Unusable, match="do not fit together"):
        load_model(tmp_path, "v1", sha256)


def test_a_file_that_unpacks_to_more_than_a_model_is_refused(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artefacts, "_LARGEST_ARRAYS", 1_000)
    sha256 = save_model(tmp_path, model)

    with pytest.raises(Unusable, match="larger than a model"):
        load_model(tmp_path, "v1", sha256)


def test_weights_are_plain_arrays(model: Model, tmp_path: Path) -> None:
    save_model(tmp_path, model)

    with zipfile.ZipFile(tmp_path / "classifiers" / "v1" / "weights.npz") as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                header = member.read(128)
            assert header.startswith(b"\x93NUMPY")
            assert b"'|O'" not in header
