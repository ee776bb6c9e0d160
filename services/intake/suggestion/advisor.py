"""Who is asked for categories: the words of the taxonomy, and the model that is switched on, as a process holds them.

Kept by the version of the catalogue, which every change of a category, a synonym or a switch moves on; so each process
follows within a second or two. Nothing is read before the first question.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.catalogue import Catalogue
from services.intake.db.suggestions import Version, find_active, read_synonyms
from services.intake.domain.suggestion import Advice, Question, contested, mapped_code
from services.intake.suggestion.lexicon import Lexicon
from services.intake.suggestion.synonyms import words_of
from shared.db.engine import Database

if TYPE_CHECKING:
    from services.intake.suggestion.model import Model

log = structlog.get_logger(__name__)

DEFAULT_ACCEPT_AT: Final = 0.95
# Characters the lexicon judges within a millisecond or so; more, and any model, is judged off the event loop.
_QUICK: Final = 600
_RETRY_SECONDS: Final = 30.0
_NO_NUMPY: Final = "NumPy is not installed; the extra `suggest` brings it"


class ClassifierUnusable(Exception):
    """A model is switched on and cannot be used; the lexicon suggests instead."""


@dataclass(frozen=True, slots=True)
class Counsel:
    """What suggests at one version of the catalogue. `problem` says why the active model is not used."""

    catalogue_version: int
    lexicon: Lexicon
    model: "Model | None"
    renamed: Mapping[str, str | None]
    learnt: frozenset[str]
    active: str | None
    problem: str | None

    def advise(self, question: Question) -> Advice:
        """Ask the model, and the lexicon where there is none or where it knows not a single piece of the text."""
        words = self.lexicon.advise(question)
        if self.model is None:
            return words
        advice = self.model.advise(question, self.renamed)
        return contested(advice, words, self.learnt) if advice.suggestions else words


class Advisor:
    """Holds the counsel of a process and asks it without keeping the event loop waiting."""

    def __init__(
        self,
        data_dir: Path,
        *,
        accept_at: float = DEFAULT_ACCEPT_AT,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.accept_at = accept_at
        self._data_dir = data_dir
        self._monotonic = monotonic
        self._held: Counsel | None = None
        self._retry_at = float("inf")
        self._lock = asyncio.Lock()

    async def check(self, database: Database) -> None:
        """Raise ClassifierUnusable while a model is switched on that cannot be used here; loads nothing."""
        active = await database.transact(lambda uow: find_active(uow.connection), read_only=True)
        if active is None:
            return
        held = self._held
        tried = held is not None and held.active == active.version
        problem = held.problem if held is not None and tried else await asyncio.to_thread(self._missing, active)
        if problem is not None:
            raise ClassifierUnusable(problem)

    def _missing(self, active: Version) -> str | None:
        try:
            from services.intake.suggestion.artefacts import Unusable, check_description
        except ImportError:
            return _NO_NUMPY
        try:
            check_description(self._data_dir, active.version, active.sha256)
        except Unusable as error:
            return str(error)
        return None

    async def advise(
        self, connection: AsyncConnection, catalogue: Catalogue, questions: Sequence[Question]
    ) -> list[Advice]:
        """Return advice for each question, in order."""
        if not questions:
            return []
        counsel = await self._counsel(connection, catalogue)

        def ask() -> list[Advice]:
            return [counsel.advise(question) for question in questions]

        if counsel.model is None and sum(len(question.text) for question in questions) <= _QUICK:
            return ask()
        return await asyncio.to_thread(ask)

    async def _counsel(self, connection: AsyncConnection, catalogue: Catalogue) -> Counsel:
        """Return what suggests now, made anew when the catalogue has moved on or a broken model is to be tried again.

        It reads through the caller's own connection, so that waiting for one can never block it.
        """
        held = self._fresh(catalogue)
        if held is not None:
            return held
        async with self._lock:
            held = self._fresh(catalogue)
            if held is not None:
                return held
            own = {code: synonyms.words for code, synonyms in (await read_synonyms(connection)).items()}
            active = await find_active(connection)
            known = self._held
            self._held = await asyncio.to_thread(self._made, catalogue, own, active, known)
            failed = self._held.problem is not None
            self._retry_at = self._monotonic() + _RETRY_SECONDS if failed else float("inf")
            return self._held

    def _fresh(self, catalogue: Catalogue) -> Counsel | None:
        held = self._held
        if held is None or held.catalogue_version != catalogue.version or self._monotonic() >= self._retry_at:
            return None
        return held

    def _made(
        self, catalogue: Catalogue, own: Mapping[str, Sequence[str]], active: Version | None, known: Counsel | None
    ) -> Counsel:
        tree = catalogue.categories
        words = {code: own.get(code) or words_of(category) for code, category in tree.items()}
        model, problem = self._loaded(active, known) if active is not None else (None, None)
        renamed = {label: mapped_code(tree, label) for label in model.labels} if model is not None else {}
        return Counsel(
            catalogue_version=catalogue.version,
            lexicon=Lexicon(tree, words),
            model=model,
            renamed=renamed,
            learnt=frozenset(code for code in renamed.values() if code is not None),
            active=active.version if active is not None else None,
            problem=problem,
        )

    def _loaded(self, active: Version, known: Counsel | None) -> "tuple[Model | None, str | None]":
        """Read the model unless it is held already; what cannot be used is said once in the log, not raised."""
        if known is not None and known.model is not None and known.active == active.version:
            return known.model, None
        try:
            from services.intake.suggestion.artefacts import Unusable, load_model
        except ImportError:
            problem = _NO_NUMPY
        else:
            try:
                model = load_model(self._data_dir, active.version, active.sha256)
            except Unusable as error:
                problem = str(error)
            else:
                log.info("classifier_loaded", version=active.version, labels=len(model.labels))
                return model, None
        if known is None or known.problem != problem or known.active != active.version:
            log.error("classifier_unusable", version=active.version, reason=problem)
        return None, problem
