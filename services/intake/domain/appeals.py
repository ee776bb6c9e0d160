"""What one citizen, or one group, says once: how a submission becomes an appeal on the record, and when it is accepted.

Pure: the caller brings the time, the category tree and the service area.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from services.intake.domain import acceptance, channels, groups, machine, people, places, texts
from services.intake.domain.acceptance import AcceptanceTerms
from services.intake.domain.categories import Category
from services.intake.domain.machine import Move
from services.intake.domain.people import Joint, Person, Reporter
from services.intake.domain.places import Location, ServiceArea
from shared.errors import FieldProblem, InvalidInput
from shared.vocabulary import AppealStatus, AppealType, Channel, HandlingMode, SpecialCare, Urgency

CLOCK_SKEW: Final = timedelta(minutes=2)
DEFAULT_TERMS: Final = AcceptanceTerms()
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
    channel_details: Mapping[str, Any] = field(default_factory=dict)


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
    decisions: Mapping[str, Any] = field(default_factory=dict)

    @property
    def accepted_at(self) -> datetime | None:
        return self.registered_at if self.status is AppealStatus.AWAITING_DISPATCH else None


def register(
    submission: Submission,
    *,
    category: Category | None,
    area: ServiceArea | None,
    now: datetime,
    terms: AcceptanceTerms = DEFAULT_TERMS,
) -> Registered:
    """T1, and T10 when nothing is missing and no agent is to decide. Raises InvalidInput naming every field at fault.

    What stays registered has `accept_due_at`; what an agent decided against the rules is in `decisions` (trap 32).
    """
    reporter = submission.reporter
    phone = people.normalise_phone(reporter.phone) if reporter and reporter.phone else None
    problems = [*_problems_of(submission, phone, area, now), *_problems_of_urgency(submission, category)]
    if problems:
        raise InvalidInput("Some fields are not valid.", problems)
    confidential = is_confidential(submission.type, category, reporter)
    public = replace(
        public_wording(submission, category),
        channel_details=channels.shown(
            submission.channel_details or {}, protected=confidential or bool(reporter and reporter.anonymous)
        ),
    )
    classification = classify(
        category,
        submission.special_care,
        urgency=submission.urgency,
        mode=submission.mode,
        floor=channels.urgency_floor(submission.channel, submission.channel_details),
    )
    received_at = min(submission.received_at or now, now)
    status, rules, due_at = _first_status(submission, classification, received_at, terms)
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
        received_at=received_at,
        registered_at=now,
        accept_due_at=due_at,
        decisions=_decisions(submission, category, classification),
    )


def _first_status(
    submission: Submission, classification: Classification, received_at: datetime, terms: AcceptanceTerms
) -> tuple[AppealStatus, tuple[str, ...], datetime | None]:
    """Return where a new appeal stands, by which rules, and until when its scope is to be decided if it is not."""
    first = machine.decide(AppealStatus.DRAFT, Move.REGISTER)
    is_held = acceptance.is_held(classification.mode, chosen=submission.mode is not None)
    if missing_for_acceptance(classification) or is_held:
        due_at = acceptance.accept_due_at(terms, classification.urgency, submission.channel, received_at)
        return first.to, (first.rule_id,), due_at
    accepted = machine.decide(first.to, Move.ACCEPT)
    return accepted.to, (first.rule_id, accepted.rule_id), None


def is_confidential(type_: AppealType, category: Category | None, reporter: Reporter | None) -> bool:
    """A report always is, whatever anybody says; else what the category or the reporter asks for."""
    if type_ is AppealType.REPORT:
        return True
    return bool((category and category.confidential) or (reporter and reporter.confidential))


def classify(
    category: Category | None,
    special_care: tuple[SpecialCare, ...],
    *,
    urgency: Urgency | None = None,
    mode: HandlingMode | None = None,
    floor: Urgency | None = None,
) -> Classification:
    """Set urgency and mode by rule: the category's default unless an agent chose, never the citizen's words (trap 32).

    Nobody's choice goes below what a rule demands: a matter of a minor is same-day livelihood at least (section 3.2,
    row L24), and `floor` is what the channel demands, with or without a category (HZ-08).
    """
    if category is not None:
        urgency = urgency or category.urgency or Urgency.P3
        mode = mode or category.mode or HandlingMode.COMMITTED
    if floor is not None:
        urgency = stricter(urgency or floor, floor)
    if urgency is not None:
        urgency = stricter(urgency, least_urgency(special_care) or urgency)
    return Classification(category, urgency, mode)


def least_urgency(special_care: tuple[SpecialCare, ...]) -> Urgency | None:
    """Return the urgency below which an appeal of these people cannot go, or None."""
    return Urgency.P2 if SpecialCare.MINOR in special_care else None


def stricter(one: Urgency, other: Urgency) -> Urgency:
    """Return the more urgent of two."""
    return min(one, other, key=_ORDER_OF_URGENCY.index)


def changed(before: Any, after: Any, **why: Any) -> dict[str, Any]:
    """Return how the history tells a change of one field; what is unknown about its reasons is left out."""
    return {"from": before, "to": after, **{name: value for name, value in why.items() if value is not None}}


def _by_rule(submission: Submission, category: Category | None) -> Classification:
    """Return what the rules alone make of it."""
    floor = channels.urgency_floor(submission.channel, submission.channel_details)
    return classify(category, submission.special_care, floor=floor)


def _problems_of_urgency(submission: Submission, category: Category | None) -> Iterator[FieldProblem]:
    """An urgency other than the rule's needs a reason, so that somebody can be asked for it (trap 32)."""
    by_rule = _by_rule(submission, category).urgency
    if submission.urgency not in {None, by_rule} and not submission.urgency_reason:
        yield FieldProblem("/urgency_reason", f"is required: by rule the urgency is {by_rule or 'not decided yet'}")


def _decisions(submission: Submission, category: Category | None, classification: Classification) -> Mapping[str, Any]:
    """What an agent decided otherwise than the rules, from what to what and why, for the history."""
    by_rule = _by_rule(submission, category)
    decisions = {}
    if submission.urgency not in {None, by_rule.urgency}:
        raised = submission.urgency if submission.urgency is not classification.urgency else None
        reason = mask_for(submission)(submission.urgency_reason or "")
        decisions["urgency"] = changed(by_rule.urgency, classification.urgency, reason=reason, asked_for=raised)
    if submission.mode not in {None, by_rule.mode}:
        decisions["mode"] = changed(by_rule.mode, classification.mode)
    return decisions


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
    mask = mask_for(submission)
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


def mask_for(submission: Submission) -> Callable[[str], str]:
    """Return what takes the people of a matter out of a text about it."""
    reporter, beneficiary, joint = submission.reporter, submission.on_behalf_of, submission.joint
    names = tuple(people.known_names(reporter, beneficiary, joint))
    phones = tuple(people.known_phones(reporter, beneficiary, joint))

    def mask(text: str) -> str:
        return texts.mask_person(text, names=names, phones=phones) if text else text

    return mask


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
    yield from channels.problems_of(
        submission.channel,
        submission.channel_details or {},
        received_at=submission.received_at,
        latest=now + CLOCK_SKEW,
    )


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
    if joint is not None:
        yield from groups.problems_of_joint(joint)


def _secrets(submission: Submission, public: Public, phone: str | None) -> dict[str, Any]:
    """Return what only the vault may hold; empty when the submission holds nothing personal."""
    secrets: dict[str, Any] = {}
    reporter = submission.reporter
    if reporter is not None and reporter.has_identity:
        secrets["reporter"] = {"name": reporter.name, "phone": phone, "email": reporter.email}
    if submission.on_behalf_of is not None:
        secrets["on_behalf_of"] = _person(submission.on_behalf_of)
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
        ("channel_details", dict(submission.channel_details or {}), public.channel_details),
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
    """Return a matter of the past with the urgency and mode it had then, where they are known; it was accepted then."""
    known = registered.classification
    first = machine.decide(AppealStatus.DRAFT, Move.REGISTER)
    accepted = machine.decide(first.to, Move.ACCEPT)
    return replace(
        registered,
        classification=replace(known, urgency=urgency or known.urgency, mode=mode or known.mode),
        status=accepted.to,
        rules=(first.rule_id, accepted.rule_id),
        accept_due_at=None,
    )
