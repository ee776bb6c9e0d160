"""Words citizens use for the categories of the taxonomy that comes along; a city may put its own in their place."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from services.intake.domain.categories import Category

_FILE: Final = "default_synonyms.csv"


@cache
def default_words() -> Mapping[str, tuple[str, ...]]:
    """The words by the Chinese name of the category, because other cities give the same codes to other matters."""
    text = files("services.intake.suggestion").joinpath(_FILE).read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return MappingProxyType({row["name"]: tuple(row["words"].split("|")) for row in rows})


def words_of(category: Category) -> tuple[str, ...]:
    """The default words of a category; none for one that is not of the taxonomy that comes along."""
    known = default_words()
    return known.get(category.name_zh) or known.get(category.name) or ()
