"""Reads `policies.json`: SLA policies in the one document form of dispatch, checked for shape before they are read."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from deploy.city.faults import Faults
from deploy.city.tables import CODE
from services.dispatch.domain.calendar import Period
from services.dispatch.domain.sla import Anchor, SlaPolicy
from services.dispatch.domain.sla_document import policy_from_document
from shared.errors import InvalidInput
from shared.vocabulary import TimerLevel, TimerName

FILE = "policies.json"


def _period(text: str) -> str:
    try:
        Period.parse(text)
    except InvalidInput as error:
        raise ValueError("; ".join(problem.message for problem in error.problems)) from error
    return text


PeriodText = Annotated[str, AfterValidator(_period)]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _short_form(value: Any) -> Any:
    """`"5 working_day"` is short for `{"period": "5 working_day"}`."""
    return {"period": value} if isinstance(value, str) else value


class TimerDocument(_Document):
    period: PeriodText | None = None
    same_day_end: bool = False
    statutory: bool = False
    warnings: list[Annotated[TimerLevel, Field(strict=False)]] | None = None


class ExtensionDocument(_Document):
    period: PeriodText
    times: int = Field(default=1, ge=0, le=5)
    by_head_times: int = Field(default=0, ge=0, le=5)


class MilestoneDocument(_Document):
    period: PeriodText
    anchor: Annotated[Anchor, Field(strict=False)] = Anchor.DISPATCH


class PolicyDocument(_Document):
    """One entry of `policies.json`, as far as its shape goes; what it means is the domain's to judge."""

    code: str = Field(pattern=CODE.pattern, max_length=40)
    name: str = Field(min_length=1, max_length=200)
    name_en: str = Field(default="", max_length=200)
    timers: dict[Annotated[TimerName, Field(strict=False)], Annotated[TimerDocument, BeforeValidator(_short_form)]]
    extension: ExtensionDocument | None = None
    pause_reasons: list[str] = []
    natural_clock: bool = False
    law_wins: bool = False
    milestones: dict[str, Annotated[MilestoneDocument, BeforeValidator(_short_form)]] = {}
    basis: str = Field(default="", max_length=500)


def read_policies(document: Any, faults: Faults) -> dict[str, SlaPolicy]:
    """Return the good policies by code; everything wrong with the others is noted."""
    entries = document.get("policies") if isinstance(document, Mapping) else None
    if not isinstance(entries, list) or not entries:
        faults.add(FILE, "must be an object with a list `policies` that is not empty")
        return {}
    found: dict[str, SlaPolicy] = {}
    for number, entry in enumerate(entries, start=1):
        code = entry.get("code") if isinstance(entry, Mapping) else None
        place = f"policy {number}" + (f" ({code})" if isinstance(code, str) else "")
        policy = _read_policy(entry, place, faults)
        if policy is None:
            continue
        if policy.code in found:
            faults.add(FILE, "the code is there twice", place=place, field="code")
        found[policy.code] = policy
    return found


def _read_policy(entry: Any, place: str, faults: Faults) -> SlaPolicy | None:
    try:
        PolicyDocument.model_validate(entry)
        return policy_from_document(entry)
    except ValidationError as error:
        for field, reason in validation_problems(error):
            faults.add(FILE, reason, place=place, field=field)
    except InvalidInput as error:
        for problem in error.problems:
            faults.add(FILE, problem.message, place=place, field=problem.field.strip("/").replace("/", "."))
    return None


def validation_problems(error: ValidationError) -> Iterator[tuple[str, str]]:
    """The field and the reason of each thing pydantic refused, without the values themselves."""
    for problem in error.errors(include_url=False, include_input=False):
        yield ".".join(str(part) for part in problem["loc"]), problem["msg"].removeprefix("Value error, ")
