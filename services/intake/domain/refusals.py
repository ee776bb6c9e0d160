"""T7: the closed list of grounds on which an appeal may be refused (section 2.5), and how a citizen is told each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.errors import FieldProblem


class Ground(StrEnum):
    """Nothing else is a reason to refuse an appeal."""

    EMERGENCY = "emergency"
    IN_LEGAL_CHANNEL = "in_legal_channel"
    ALREADY_HANDLED = "already_handled"
    SECRET_OR_PRIVACY = "secret_or_privacy"  # noqa: S105 - no password
    BEYOND_DUTY = "beyond_duty"
    UNLAWFUL = "unlawful"
    LAWFULLY_CONCLUDED = "lawfully_concluded"


class LegalChannel(StrEnum):
    """Procedures of their own, into which the hotline does not reach."""

    LITIGATION = "litigation"
    ARBITRATION = "arbitration"
    DISCIPLINE = "discipline"
    RECONSIDERATION = "reconsideration"
    DISCLOSURE = "disclosure"
    PETITION = "petition"


GROUND_TEXTS: Final[Mapping[Ground, tuple[str, str]]] = {
    Ground.EMERGENCY: (
        "this is for the emergency lines 110, 119, 120 or 122, please call them at once.",
        "属于紧急求助，请立即拨打110、119、120、122。",
    ),
    Ground.IN_LEGAL_CHANNEL: (
        "it belongs into {channel_en}, please pursue it there.",
        "依法应当或者已经通过{channel_zh}途径处理，请通过该途径反映。",
    ),
    Ground.ALREADY_HANDLED: (
        "the same matter is being handled, or was finished and there are no new facts.",
        "同一事项正在办理，或已办结且无新的事实和理由。",
    ),
    Ground.SECRET_OR_PRIVACY: (
        "it concerns state secrets, business secrets or personal privacy.",
        "涉及国家秘密、商业秘密或者个人隐私。",
    ),
    Ground.BEYOND_DUTY: (
        "it lies beyond the duties of the public bodies; the market or social organisations can help.",
        "超出各单位职责范围，可通过市场、社会渠道解决。",
    ),
    Ground.UNLAWFUL: (
        "what is asked for is against the law or public morals.",
        "诉求内容违反法律法规或者公序良俗。",
    ),
    Ground.LAWFULLY_CONCLUDED: (
        "it has been handled according to the law, with a lawful and reasonable conclusion.",
        "已依法办理并作出合法合理的结论。",
    ),
}
CHANNEL_NAMES: Final[Mapping[LegalChannel, tuple[str, str]]] = {
    LegalChannel.LITIGATION: ("court proceedings", "诉讼"),
    LegalChannel.ARBITRATION: ("arbitration", "仲裁"),
    LegalChannel.DISCIPLINE: ("discipline inspection", "纪检监察"),
    LegalChannel.RECONSIDERATION: ("administrative reconsideration", "行政复议"),
    LegalChannel.DISCLOSURE: ("a request for disclosure of government information", "政府信息公开"),
    LegalChannel.PETITION: ("petitioning", "信访"),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A ground with what the citizen is told besides; `explanation` is masked when it is stored."""

    ground: Ground
    explanation: str
    legal_channel: LegalChannel | None = None
    other_receipt_number: str | None = None


def problems_of(refusal: Refusal) -> Iterator[FieldProblem]:
    """What is missing, or does not belong to the ground."""
    needed = (
        ("/legal_channel", Ground.IN_LEGAL_CHANNEL, refusal.legal_channel, [channel.value for channel in LegalChannel]),
        ("/other_receipt_number", Ground.ALREADY_HANDLED, refusal.other_receipt_number, None),
    )
    for field, ground, value, allowed in needed:
        if refusal.ground is ground and value is None:
            yield FieldProblem(field, f"is required for the ground {ground}", allowed)
        if refusal.ground is not ground and value is not None:
            yield FieldProblem(field, f"belongs to the ground {ground} only")


def told(ground: Ground, legal_channel: LegalChannel | None) -> tuple[str, str]:
    """Return the ground in plain words, in English and Chinese."""
    english, chinese = GROUND_TEXTS[ground]
    if legal_channel is not None:
        name_en, name_zh = CHANNEL_NAMES[legal_channel]
        return english.replace("{channel_en}", name_en), chinese.replace("{channel_zh}", name_zh)
    return english, chinese
