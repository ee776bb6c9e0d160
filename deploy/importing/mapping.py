"""The mapping file of an import: which column is what, and which of the city's words is which of our codes.

A TOML (or JSON) file; the format is described in docs/city-packs.md. Everything wrong with it is reported at once.
"""

import csv
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from deploy.city.policies import validation_problems
from deploy.errors import StackError
from shared.vocabulary import AppealType, Channel

REQUIRED_COLUMNS = ("external_id", "opened_at", "category", "department")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("is not the name of a time zone, like America/New_York") from error
    return name


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnsDocument(_Document):
    external_id: str
    opened_at: str
    category: str
    department: str
    area: str | None = None
    due_at: str | None = None
    resolved_at: str | None = None
    closed_at: str | None = None
    longitude: str | None = None
    latitude: str | None = None
    channel: str | None = None
    title: str | None = None


class WordsDocument(_Document):
    """How the words of a column become codes: listed here, or looked up in a table such as a pack's own."""

    values: dict[str, str] = {}
    table: str | None = None
    from_column: str = "name"
    to_column: str = "code"
    default: str | None = None


class TimesDocument(_Document):
    zone: Annotated[str, AfterValidator(_zone)]
    formats: list[str] = Field(default=["iso"], min_length=1)


class MappingDocument(_Document):
    """The whole of a mapping file."""

    system: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$")
    type: AppealType = AppealType.HELP
    encoding: str = "utf-8-sig"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    columns: ColumnsDocument
    times: TimesDocument
    category: WordsDocument = WordsDocument()
    department: WordsDocument = WordsDocument()
    area: WordsDocument = WordsDocument()
    channel: WordsDocument = WordsDocument(default=Channel.PHONE.value)


@dataclass(frozen=True, slots=True)
class Words:
    """A translation from a city's words to our codes."""

    codes: Mapping[str, str]
    default: str | None
    passes: bool

    def code_of(self, word: str) -> str | None:
        """The code; a word without one is the default, or itself when nothing was listed at all, or None."""
        if self.passes:
            return word or self.default
        return self.codes.get(word, self.default)


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """A mapping that has been read and checked."""

    system: str
    type: AppealType
    encoding: str
    delimiter: str
    columns: ColumnsDocument
    zone: ZoneInfo
    formats: tuple[str, ...]
    category: Words
    department: Words
    area: Words
    channel: Words


def read_mapping(path: Path) -> FieldMapping:
    """Read and check a mapping file. Raises StackError with everything that is wrong with it."""
    document = _document(path)
    try:
        found = MappingDocument.model_validate(document)
    except ValidationError as error:
        reasons = "; ".join(f"{field}: {reason}" for field, reason in validation_problems(error))
        raise StackError(f"the mapping {path} is not valid: {reasons}") from error
    channels = _words(found.channel, path)
    unknown = sorted({*channels.codes.values(), channels.default or ""} - {*Channel, ""})
    if unknown:
        raise StackError(f"the mapping {path} names unknown channels: {', '.join(unknown)}")
    return FieldMapping(
        system=found.system,
        type=found.type,
        encoding=found.encoding,
        delimiter=found.delimiter,
        columns=found.columns,
        zone=ZoneInfo(found.times.zone),
        formats=tuple(found.times.formats),
        category=_words(found.category, path),
        department=_words(found.department, path),
        area=_words(found.area, path),
        channel=channels,
    )


def _document(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise StackError(f"the mapping {path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise StackError(f"the mapping {path} is not valid: {error}") from error


def _words(document: WordsDocument, path: Path) -> Words:
    codes: dict[str, str] = {}
    if document.table is not None:
        table = path.parent / document.table
        try:
            with table.open(encoding="utf-8-sig", newline="") as file:
                for row in csv.DictReader(file):
                    codes[row[document.from_column]] = row[document.to_column]
        except OSError as error:
            raise StackError(f"the table {table} of the mapping {path} cannot be read: {error.strerror}") from error
        except KeyError as error:
            raise StackError(f"the table {table} of the mapping {path} has no column {error}") from error
    codes.update(document.values)
    return Words(codes, document.default, passes=not codes and document.table is None)
