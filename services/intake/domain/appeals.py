"""What one citizen, or one group, says once: how a submission becomes an appeal on the record, and when it is accepted.

Pure: the caller brings the time, the category tree and the service area.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from services.intake.domain import channels, machine, people, places, texts
from services.intake.domain.categories import Category
from services.intake.domain.machine import Move
from services.intake.domain.people import Joint, Person, Reporter
from services.intake.domain.places import Location, ServiceArea
from shared.errors import FieldProblem, InvalidInput
from shared.vocabulary import AppealStatus, AppealType, Channel, HandlingMode, SpecialCare, Urgency

CLOCK_SKEW: Final = timedelta(minutes=2)
_ORDER_OF_URGENCY: Final = (Urgency.P1, Urgency.P2, Urgency.P3, Urgency.P4)


@dataclass(frozen=True, slots=True)
class ExternalRef:
    """The same matter's number in the system it came from; one appeal per number."""

    system: str
    id: str


@dataclass(frozen=True, slots=True)
class Submission:
    """What somebody hands in; `received_at` is when the office had it, for letters often days earlier (trap 43)."""

    type: AppealType
    channel: Channel
    title: str
    description: str = ""
    category_code: str | None = None
    location: Location | None = None
    reporter: Reporter | None = None
    occurred_at: datetime | None = None
    received_at: datetime | None = None
    external_ref: ExternalRef | None = None
    on_behalf_of: Person | None = None
    joint: Joint | None = None
    special_care: tuple[SpecialCare, ...] = ()
    attributes: Mapping[str, Any] | None = None
    urgency: Urgency | None = None
    urgency_reason: str | None = None
    mode: HandlingMode | None = None
    channel_details: Mapping[str, Any] | None = None
    first_contact_staff: str | None = None


@dataclass(frozen=True, slots=True)
class Classification:
    """Four independent fields (section 5) as they stand after the rules; None is not decided yet."""

    category: Category | None
    urgency: Urgency | None
    mode: HandlingMode | None


@dataclass(frozen=True, slots=True)
class Public:
    """The wording that may leave the vault: masked, and neutral for a report (trap 28)."""

    title: str
    description: str
    place: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Registered:
    """An appeal as it enters the record. `secrets` goes into the vault and nowhere else."""

    submission: Submission
    classification: Classification
    status: AppealStatus
    rules: tuple[str, ...]
    confidential: bool
    public: Public
    secrets: Mapping[str, Any]
    phone: str | None
    occurred_at: datetime | None
    received_at: datetime
    registered_at: datetime
    accept_due_at: datetime | None = None

    @property
    def accepted_at(self) -> datetime | None:
        return self.registered_at if self.status is AppealStatus.AWAITING_DISPATCH else None


def register(
    submission: Submission, *, category: Category | None, area: ServiceArea | None, now: datetime
) -> Registered:
    """T1, and T10 when nothing is missing. Raises InvalidInput naming every field at fault."""
    reporter = submission.reporter
    phone = people.normalise_phone(reporter.phone) if reporter and reporter.phone else None
    problems = list(_problems_of(submission, phone, area, now))
    if problems:
        raise InvalidInput("Some fields are not valid.", problems)
    confidential = is_confidential(submission.type, category, reporter)
    public = public_wording(submission, category)
    classification = classify(category, submission.special_care)
    first = machine.decide(AppealStatus.DRAFT, Move.REGISTER)
    status = first.to
    rules: tuple[str, ...] = (first.rule_id,)
    if not missing_for_acceptance(classification):
        accepted = machine.decide(status, Move.ACCEPT)
        status, rules = accepted.to, (*rules, accepted.rule_id)
    occurred_at = submission.occurred_at
    return Registered(
        submission=submission,
        classification=classification,
        status=status,
        rules=rules,
        confidential=confidential,
        public=public,
        secrets=_secrets(submission, public, phone),
        phone=phone,
        occurred_at=min(occurred_at, now) if occurred_at is not None else None,
        received_at=min(submission.received_at or now, now),
        registered_at=now,
    )


def is_confidential(type_: AppealType, category: Category | None, reporter: Reporter | None) -> bool:
    """A report always is, whatever anybody says; else what the category or the reporter asks for."""
    if type_ is AppealType.REPORT:
        return True
    return bool((category and category.confidential) or (reporter and reporter.confidential))


def classify(category: Category | None, special_care: tuple[SpecialCare, ...]) -> Classification:
    """Set urgency and mode by rule: the category's default, never the citizen's words (trap 32).

    A matter of a minor is same-day livelihood at least (section 3.2, row L24).
    """
    if category is None:
        return Classification(None, None, None)
    urgency = category.urgency or Urgency.P3
    if SpecialCare.MINOR in special_care:
        urgency = min(urgency, Urgency.P2, key=_ORDER_OF_URGENCY.index)
    return Classification(category, urgency, category.mode or HandlingMode.COMMITTED)


def missing_for_acceptance(classification: Classification) -> tuple[str, ...]:
    """T10: what still keeps an appeal from being accepted.

    The type is part of every submission; leaving the location out is saying that there is none.
    """
    wanted = (
        ("category_code", classification.category),
        ("urgency", classification.urgency),
        ("mode", classification.mode),
    )
    return tuple(name for name, value in wanted if value is None)


def public_wording(submission: Submission, category: Category | None) -> Public:
    """Return the wording for everybody but the vault; of a report nothing but its category remains."""
    if submission.type is AppealType.REPORT:
        return neutral_wording(category)
    reporter, beneficiary, joint = submission.reporter, submission.on_behalf_of, submission.joint
    names = tuple(people.known_names(reporter, beneficiary, joint))
    phones = tuple(people.known_phones(reporter, beneficiary, joint))

    def mask(text: str) -> str:
        return texts.mask_person(text, names=names, phones=phones) if text else text

    address = submission.location.address if submission.location else None
    return Public(
        title=mask(submission.title),
        description=mask(submission.description),
        place=mask(texts.street_of(address)) if address else "",
        attributes={
            key: mask(value) if isinstance(value, str) else value
            for key, value in (submission.attributes or {}).items()
        },
    )


def neutral_wording(category: Category | None) -> Public:
    """The text a report travels with: the citizen's own words can tell who wrote them (section 9)."""
    about = category.name if category is not None else ""
    return Public(title=f"Report: {about}" if about else "Report", description="", place="", attributes={})


def _problems_of(
    submission: Submission, phone: str | None, area: ServiceArea | None, now: datetime
) -> Iterator[FieldProblem]:
    yield from _problems_of_times(submission, now)
    if submission.location is not None:
        yield from places.problems_of(submission.location, area)
    yield from _problems_of_people(submission, phone)
    yield from channels.problems_of(submission.channel, submission.channel_details or {})


def _problems_of_times(submission: Submission, now: datetime) -> Iterator[FieldProblem]:
    latest = now + CLOCK_SKEW
    occurred_at, received_at = submission.occurred_at, submission.received_at
    if occurred_at is not None and occurred_at > latest:
        yield FieldProblem("/occurred_at", "lies in the future")
    if received_at is not None and received_at > latest:
        yield FieldProblem("/received_at", "lies in the future")
    if occurred_at is not None and received_at is not None and occurred_at > received_at + CLOCK_SKEW:
        yield FieldProblem("/received_at", "lies before occurred_at")


def _problems_of_people(submission: Submission, phone: str | None) -> Iterator[FieldProblem]:
    reporter, beneficiary, joint = submission.reporter, submission.on_behalf_of, submission.joint
    if reporter is not None:
        if reporter.phone and phone is None:
            yield FieldProblem("/reporter/phone", "is not a phone number")
        if reporter.email and not people.is_email(reporter.email):
            yield FieldProblem("/reporter/email", "is not an e-mail address")
    if beneficiary is not None and beneficiary.phone and people.normalise_phone(beneficiary.phone) is None:
        yield FieldProblem("/on_behalf_of/phone", "is not a phone number")
    for index, signatory in enumerate(joint.signatories if joint else ()):
        if signatory.phone and people.normalise_phone(signatory.phone) is None:
            yield FieldProblem(f"/joint/signatories/{index}/phone", "is not a phone number")


def _secrets(submission: Submission, public: Public, phone: str | None) -> dict[str, Any]:
    """Return what only the vault may hold; empty when the submission holds nothing personal."""
    secrets: dict[str, Any] = {}
    reporter = submission.reporter
    if reporter is not None and reporter.has_identity:
        secrets["reporter"] = {"name": reporter.name, "phone": phone, "email": reporter.email}
    if submission.on_behalf_of is not None:
        secrets["on_behalf_of"] = _person(submission.on_behalf_of)
    if submission.joint is not None and submission.joint.signatories:
        secrets["signatories"] = [_person(person) for person in submission.joint.signatories]
    if original := _original_wording(submission, public):
        secrets["original"] = original
    return secrets


def _original_wording(submission: Submission, public: Public) -> dict[str, Any]:
    """The citizen's own words, where they differ from the public wording."""
    address = (submission.location.address if submission.location else None) or ""
    pairs = (
        ("title", submission.title, public.title),
        ("description", submission.description, public.description),
        ("address", address, public.place),
        ("attributes", dict(submission.attributes or {}), public.attributes),
    )
    return {name: original for name, original, shown in pairs if original != shown}


def _person(person: Person) -> dict[str, str | None]:
    return {
        "name": person.name,
        "phone": person.phone,
        "relation": person.relation,
        "reference": person.reference,
    }


def with_defaults(registered: Registered, *, urgency: Urgency | None, mode: HandlingMode | None) -> Registered:
    """Return a matter of the past with the urgency and mode it had then, where they are known."""
    now = registered.classification
    return replace(
        registered,
        classification=replace(now, urgency=urgency or now.urgency, mode=mode or now.mode),
    )
