"""The field's words that more than one service uses: states, types, channels, urgency, handling modes.

Standard library only, so that the pure rules of every service may import it.
"""

from enum import StrEnum


class Service(StrEnum):
    """The three services; also their schema, login role and queue name."""

    INTAKE = "intake"
    DISPATCH = "dispatch"
    FEEDBACK = "feedback"


class AppealType(StrEnum):
    """Appeal type 诉求类型; independent of category, urgency and mode."""

    CONSULTATION = "consultation"
    HELP = "help"
    COMPLAINT = "complaint"
    REPORT = "report"
    SUGGESTION = "suggestion"
    PRAISE = "praise"
    OTHER = "other"


class Channel(StrEnum):
    """Channel codes of section 5 of the domain specification."""

    PHONE = "phone"
    WEB = "web"
    WECHAT = "wechat"
    APP = "app"
    SMS = "sms"
    EMAIL = "email"
    WEB_MAILBOX = "web_mailbox"
    BOX = "box"
    CARD = "card"
    BOOK = "book"
    WINDOW = "window"
    EVAL_WINDOW = "eval_window"
    VISIT = "visit"
    RECEPTION_DAY = "reception_day"
    DEPUTY_STATION = "deputy_station"
    TALK_MEETING = "talk_meeting"
    INFORMANT = "informant"
    GRID = "grid"
    BUILDING_CHIEF = "building_chief"
    VOLUNTEER = "volunteer"
    JOINT_LETTER = "joint_letter"
    SURVEY = "survey"
    MEDIA = "media"
    MESSAGE_BOARD = "message_board"
    SUPERIOR = "superior"
    FROM_110 = "from_110"
    OTHER_HOTLINE = "other_hotline"
    REVIEW = "review"
    CANNOT_DO_WINDOW = "cannot_do_window"
    VIDEO_IOT = "video_iot"
    OPEN311 = "open311"


class Urgency(StrEnum):
    """P1 danger to life or property, P2 same-day livelihood, P3 general, P4 complex."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"


class HandlingMode(StrEnum):
    """The five handling modes of Lanzhou: 即办件 承诺件 补办件 上报件 建议件 (LZ-09 to LZ-13)."""

    IMMEDIATE = "immediate"
    COMMITTED = "committed"
    SUPPLEMENT = "supplement"
    ESCALATED = "escalated"
    ADVISORY = "advisory"


class AppealStatus(StrEnum):
    """States of section 2.2, shared by appeals and tickets."""

    DRAFT = "draft"
    REGISTERED = "registered"
    SUPPLEMENTING = "supplementing"
    NOT_ACCEPTED = "not_accepted"
    REFERRED = "referred"
    ATTACHED = "attached"
    AWAITING_DISPATCH = "awaiting_dispatch"
    CONSULTING = "consulting"
    AWAITING_ACKNOWLEDGEMENT = "awaiting_acknowledgement"
    RETURN_REVIEW = "return_review"
    IN_PROGRESS = "in_progress"
    REPORTED_UP = "reported_up"
    SUSPENDED = "suspended"
    UNDER_REVIEW = "under_review"
    AWAITING_CALLBACK = "awaiting_callback"
    CLOSED = "closed"
    ON_LEDGER = "on_ledger"
    ARCHIVED = "archived"
    WITHDRAWN = "withdrawn"


class Stage(StrEnum):
    """The four steps of the pipeline a citizen is shown (LZ-01)."""

    ACCEPTANCE = "acceptance"
    HANDLING = "handling"
    FEEDBACK = "feedback"
    SUPERVISION = "supervision"


class SpecialCare(StrEnum):
    """People whom the service must meet half-way (LZ-18, LZ-28)."""

    ELDERLY = "elderly"
    MINOR = "minor"
    DISABLED = "disabled"
    MIGRANT_WORKER = "migrant_worker"
    POOR_HEALTH = "poor_health"
    LOW_INCOME = "low_income"
    VETERAN = "veteran"


class TimerName(StrEnum):
    """SLA timers of section 3.2."""

    ACCEPT = "T_ACCEPT"
    DISPATCH = "T_DISPATCH"
    ACKNOWLEDGE = "T_SIGN"
    CONTACT = "T_CONTACT"
    RESOLVE = "T_RESOLVE"
    RETURN = "T_RETURN"
    REVIEW = "T_REVIEW"
    CALLBACK = "T_CALLBACK"
    LEDGER_REVIEW = "T_LEDGER_REVIEW"


class TimerLevel(StrEnum):
    """Rungs of the escalation ladder that fire from a timer (section 3.6)."""

    NOTICE = "L0"
    YELLOW_CARD = "L1"
    RED_CARD = "L2"
    SUPERVISION_ORDER = "L3"
    LISTED = "L4"
    GOVERNMENT_MEETING = "L5"


class EvaluationOutcome(StrEnum):
    """How a case's callback ended; `none` is never counted as satisfied (trap 17)."""

    EVALUATED = "evaluated"
    NONE = "none"


ACCEPTANCE_STATES = frozenset(
    {
        AppealStatus.DRAFT,
        AppealStatus.REGISTERED,
        AppealStatus.SUPPLEMENTING,
        AppealStatus.NOT_ACCEPTED,
        AppealStatus.REFERRED,
        AppealStatus.ATTACHED,
        AppealStatus.WITHDRAWN,
    }
)
FEEDBACK_STATES = frozenset({AppealStatus.AWAITING_CALLBACK, AppealStatus.CLOSED, AppealStatus.ARCHIVED})


def stage_of(status: AppealStatus) -> Stage:
    """Return which of the four pipeline steps a state belongs to (LZ-01)."""
    if status in ACCEPTANCE_STATES:
        return Stage.ACCEPTANCE
    if status in FEEDBACK_STATES:
        return Stage.FEEDBACK
    if status is AppealStatus.ON_LEDGER:
        return Stage.SUPERVISION
    return Stage.HANDLING
