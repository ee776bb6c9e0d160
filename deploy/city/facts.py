"""Reads `city.json`: who the city is, its levels, hotline and clock, and where the facts come from."""

from datetime import time
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from deploy.city.faults import Faults
from deploy.city.model import LEVEL_LENGTHS, CityFacts, LevelName, Source
from deploy.city.policies import validation_problems
from deploy.city.tables import CODE

FILE = "city.json"
FORMAT = 1


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class LevelDocument(_Document):
    length: int
    name: str = Field(min_length=1, max_length=60)
    name_en: str = Field(default="", max_length=60)


class CalendarDocument(_Document):
    code: str = Field(pattern=CODE.pattern, max_length=40)
    frames: tuple[tuple[time, time], ...] = Field(min_length=1, max_length=8)

    @field_validator("frames")
    @classmethod
    def _in_order(cls, frames: tuple[tuple[time, time], ...]) -> tuple[tuple[time, time], ...]:
        previous = time.min
        for index, (opens, closes) in enumerate(frames):
            until_midnight = closes == time.min and index == len(frames) - 1
            if opens < previous or not (opens < closes or until_midnight):
                raise ValueError("business hours must be in order and must not overlap")
            previous = closes
        return frames


class SourceDocument(_Document):
    title: str = Field(min_length=1, max_length=300)
    licence: str = Field(min_length=1, max_length=300)
    url: str = Field(default="", max_length=300)
    note: str = Field(default="", max_length=1000)


class CityDocument(_Document):
    """The whole of `city.json`."""

    format: int
    code: str = Field(pattern=CODE.pattern, max_length=40)
    name: str = Field(min_length=1, max_length=100)
    name_en: str = Field(default="", max_length=100)
    district_code: str = Field(pattern=r"^\d{6}$")
    levels: tuple[LevelDocument, ...] = Field(min_length=1, max_length=5)
    hotline_number: str = Field(pattern=r"^[0-9+() -]{2,30}$")
    time_zone: ZoneInfo
    calendar: CalendarDocument
    default_policy_code: str = Field(pattern=CODE.pattern, max_length=40)
    sources: tuple[SourceDocument, ...] = Field(min_length=1)

    @field_validator("format")
    @classmethod
    def _known_format(cls, value: int) -> int:
        if value != FORMAT:
            raise ValueError(f"is {value}; this version reads format {FORMAT}")
        return value

    @field_validator("time_zone", mode="before")
    @classmethod
    def _zone(cls, value: Any) -> ZoneInfo:
        try:
            return ZoneInfo(value)
        except (KeyError, ValueError, TypeError, OSError) as error:
            raise ValueError("is not the name of a time zone, like Asia/Shanghai") from error

    @model_validator(mode="after")
    def _consecutive_levels(self) -> "CityDocument":
        """A city uses consecutive levels (section 6), whichever it begins with."""
        lengths = tuple(level.length for level in self.levels)
        first = LEVEL_LENGTHS.index(lengths[0]) if lengths[0] in LEVEL_LENGTHS else 0
        if lengths != LEVEL_LENGTHS[first : first + len(lengths)]:
            raise ValueError(f"levels: the lengths must be consecutive ones of {LEVEL_LENGTHS}")
        return self


def read_facts(document: Any, faults: Faults) -> CityFacts | None:
    try:
        city = CityDocument.model_validate(document)
    except ValidationError as error:
        for field, reason in validation_problems(error):
            faults.add(FILE, reason, field=field)
        return None
    return CityFacts(
        code=city.code,
        name=city.name,
        name_en=city.name_en,
        district_code=city.district_code,
        levels=tuple(LevelName(level.length, level.name, level.name_en) for level in city.levels),
        hotline_number=city.hotline_number,
        time_zone=city.time_zone,
        calendar_code=city.calendar.code,
        frames=city.calendar.frames,
        default_policy_code=city.default_policy_code,
        sources=tuple(Source(s.title, s.licence, s.url, s.note) for s in city.sources),
    )
