"""An intake office whose data directory is the test's own, with a small model trained for it and switched on."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from deploy.classifier.train import Recipe, Trained, trained, written
from services.intake.db.suggestions import Version
from services.intake.domain.categories import Category
from services.intake.settings import Settings
from services.intake.use_cases.load_categories import load_categories
from services.intake.use_cases.switch_classifier import activate_classifier, deactivate_classifier, keep_version
from shared.clock import ManualClock
from shared.db.engine import Database
from shared.vocabulary import HandlingMode, Urgency
from tests.conftest import MORNING
from tests.integration.intake.conftest import opened
from tests.integration.intake.office import Office
from tests.support.confirmed_texts import made_up_city

VERSION = "20260302-090000"
SURE = "文峰路12号垃圾桶满了，没人收，臭味，清运，垃圾站"
UNSURE = "文峰路12号有点事情想说"
LAMPS = Category("0204", "Lamps", "路灯照明", urgency=Urgency.P3, mode=HandlingMode.COMMITTED, level=1)


@cache
def small_model() -> Trained:
    """Learnt once for all tests; the same texts and seed give the same model."""
    return trained(made_up_city(), VERSION, Recipe())


@dataclass(frozen=True, slots=True)
class Room:
    """The office, and the version it has on record."""

    office: Office
    data_dir: Path
    version: Version

    @property
    def directory(self) -> Path:
        return self.data_dir / "classifiers" / VERSION

    async def activate(self) -> None:
        await self.office.database.transact(lambda uow: activate_classifier(uow, VERSION, actor="test"))
        self.office.desk.catalogue.forget()

    async def deactivate(self) -> None:
        await self.office.database.transact(lambda uow: deactivate_classifier(uow, actor="test"))
        self.office.desk.catalogue.forget()

    async def suggest(self, text: str = SURE, **more: Any) -> dict[str, Any]:
        answer = await self.office.post("/v1/categories/suggest", {"text": text, **more})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def register(self, title: str = SURE, **changes: Any) -> dict[str, Any]:
        """Register a matter without a category."""
        wanted = {"category_code": None, "title": title, "description": "", **changes}
        return await self.office.register(**wanted)


async def kept(office: Office, data_dir: Path) -> Version:
    """Write the small model and put it on record."""
    version = written(small_model(), data_dir, is_of_file=False, now=MORNING)
    await office.database.transact(lambda uow: keep_version(uow, version))
    return version


@pytest.fixture
async def room(
    intake_settings: Settings, intake_db: Database, manual_clock: ManualClock, tmp_path: Path
) -> AsyncIterator[Room]:
    """A model is on record, its files are in place, and it is not switched on."""
    settings = intake_settings.model_copy(update={"data_dir": tmp_path, "suggestion_accept_at": 0.9})
    async for office in opened(settings, intake_db, manual_clock):
        await office.database.transact(lambda uow: load_categories(uow, [LAMPS]))
        office.desk.catalogue.forget()
        yield Room(office, tmp_path, await kept(office, tmp_path))
