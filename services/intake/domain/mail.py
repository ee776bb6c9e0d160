"""Reading a mail as an appeal: the words that matter, who wrote it, and whether a person wrote it at all."""

import email
import email.policy
import email.utils
import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Final

from services.intake.domain.appeals import ExternalRef, Submission
from services.intake.domain.people import Reporter, is_email
from shared.errors import FieldProblem, InvalidInput
from shared.vocabulary import AppealType, Channel

SYSTEM: Final = "email"
_LONGEST_TITLE: Final = 200
_LONGEST_TEXT: Final = 20_000
_LONGEST_ID: Final = 128
_MOST_REFERENCES: Final = 20
_UNCLEAN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_PREFIXES: Final = re.compile(r"^(?:\s*(?:re|fw|fwd|回复|答复|转发)\s*[:：])+\s*", re.IGNORECASE)
_QUOTE: Final = re.compile(r"^\s*>")
_NO_TITLE: Final = "(no subject)"
# From ordinary mail programs to robots: whatever answers these only makes more of them.
_BULK: Final = frozenset({"bulk", "junk", "list", "auto_reply"})
_SKIPPED_TAGS: Final = frozenset({"style", "script", "head", "title"})
_BREAKING_TAGS: Final = frozenset({"p", "br", "div", "li", "tr", "h1", "h2", "h3", "blockquote"})


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that came with a mail."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as far as an appeal needs it. `message_id` is the sender's, or made of the content when there is none."""

    message_id: str
    references: tuple[str, ...]
    sender_name: str | None
    sender_email: str | None
    subject: str
    text: str
    sent_at: datetime | None
    is_automatic: bool
    attached: tuple[Attached, ...]

    def submission(self, *, now: datetime) -> Submission:
        """Return the appeal that the mail is: a request for help until an agent says what it is.

        Files are not taken over: `mail_files` says how many an agent finds in the mail itself.
        """
        title = self.subject or self.text.partition("\n")[0][:_LONGEST_TITLE].strip() or _NO_TITLE
        return Submission(
            type=AppealType.HELP,
            channel=Channel.EMAIL,
            title=title,
            description=self.text,
            reporter=Reporter(name=self.sender_name, email=self.sender_email),
            received_at=min(self.sent_at, now) if self.sent_at is not None else None,
            external_ref=ExternalRef(SYSTEM, self.message_id),
            attributes={"mail_files": len(self.attached)} if self.attached else None,
        )


def read_mail(content: bytes) -> Mail:
    """Read an RFC 5322 message. Raises InvalidInput for what is none: no sender, or nothing written at all."""
    message = email.message_from_bytes(content, policy=email.policy.default)
    if not isinstance(message, EmailMessage) or not message.get("From"):
        raise InvalidInput("This is no mail.", [FieldProblem("/From", "is required")])
    name, address = email.utils.parseaddr(_clean(str(message["From"])))
    subject = _PREFIXES.sub("", _line(str(message.get("Subject", ""))))[:_LONGEST_TITLE].strip()
    text = _text_of(message)
    attached = tuple(_attached(message))
    if not (subject or text or attached):
        raise InvalidInput("The mail is empty.", [FieldProblem("/", "has neither a subject, a text nor a file")])
    return Mail(
        message_id=_identity_of(message, content),
        references=_references_of(message),
        sender_name=name[:100] or None,
        sender_email=address if is_email(address) else None,
        subject=subject,
        text=text,
        sent_at=_sent_at(message),
        is_automatic=_is_automatic(message),
        attached=attached,
    )


def _identity_of(message: EmailMessage, content: bytes) -> str:
    stated = _line(str(message.get("Message-ID", "")))
    if stated and len(stated) <= _LONGEST_ID:
        return stated
    return f"sha256:{hashlib.sha256(stated.encode() if stated else content).hexdigest()}"


def _references_of(message: EmailMessage) -> tuple[str, ...]:
    named = f"{message.get('In-Reply-To', '')} {message.get('References', '')}"
    return tuple(dict.fromkeys(re.findall(r"<[^<>\s]{1,126}>", named)))[:_MOST_REFERENCES]


def _sent_at(message: EmailMessage) -> datetime | None:
    try:
        sent = email.utils.parsedate_to_datetime(str(message.get("Date", "")))
    except ValueError:
        return None
    sent = sent if sent.tzinfo is not None else sent.replace(tzinfo=UTC)
    return sent.astimezone(UTC) if 1990 <= sent.year <= 2200 else None


def _is_automatic(message: EmailMessage) -> bool:
    """Bounces, absence notes and lists are not appeals (RFC 3834)."""
    submitted = str(message.get("Auto-Submitted", "no")).partition(";")[0].strip().casefold()
    returned = str(message.get("Return-Path", "x")).strip()
    precedence = str(message.get("Precedence", "")).strip().casefold()
    return submitted not in {"no", ""} or returned == "<>" or precedence in _BULK or "List-Id" in message


def _text_of(message: EmailMessage) -> str:
    body = message.get_body(preferencelist=("plain", "html"))
    if body is None:
        return ""
    try:
        content = body.get_content()
    except (LookupError, ValueError):
        payload = body.get_payload(decode=True)
        content = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    if body.get_content_subtype() == "html":
        content = _without_markup(content)
    return _clean(_without_quotes(content))[:_LONGEST_TEXT].strip()


def _without_quotes(text: str) -> str:
    """Leave out what the sender quotes: it was said before."""
    return "\n".join(line for line in text.splitlines() if _QUOTE.match(line) is None)


def _attached(message: EmailMessage) -> list[Attached]:
    found = []
    for part in message.iter_attachments():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes) and payload:
            found.append(Attached(_line(part.get_filename() or "")[:200], part.get_content_type(), payload))
    return found


def _clean(text: str) -> str:
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _UNCLEAN.sub("", text)


def _line(text: str) -> str:
    return " ".join(_clean(text).split())


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._skipping = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the base's
        if tag in _SKIPPED_TAGS:
            self._skipping += 1
        elif tag in _BREAKING_TAGS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SKIPPED_TAGS:
            self._skipping = max(0, self._skipping - 1)

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            self.parts.append(data)


def _without_markup(html: str) -> str:
    words = _Words()
    words.feed(html)
    words.close()
    lines = (" ".join(line.split()) for line in "".join(words.parts).splitlines())
    return "\n".join(line for line in lines if line)
