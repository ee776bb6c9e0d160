"""GeoReport v2 as a city speaks it: which categories are services, what is public, and in which words.

The rules of publicity are closed: whatever is not named as public here stays inside (domain specification, section 11).
"""

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.intake.domain.categories import Category, Tree
from shared.errors import FieldProblem, InvalidInput
from shared.vocabulary import AppealStatus, SpecialCare

S = AppealStatus

LONGEST_DESCRIPTION: Final = 4_000
MOST_REQUESTS: Final = 1_000
WINDOW: Final = timedelta(days=90)
_LONGEST_SPAN: Final = WINDOW + timedelta(days=1)  # whole days at both ends: 90 days and what is left of the last one
_DEEPEST: Final = 20
_LONGEST_TITLE: Final = 100
_OWN_LEVEL: Final = 2
_TOKEN: Final = re.compile(r"[0-9a-f]{32}")

# Matters of somebody's health are not for a public list, whatever else the taxonomy says of them.
_HEALTH: Final = re.compile(r"\b(?:health|medical|hospitals?|disease)\b|医疗|健康|疾病|病历", re.IGNORECASE)
NEVER_PUBLIC_CARE: Final = (SpecialCare.MINOR, SpecialCare.POOR_HEALTH)

CLOSED_STATES: Final = (S.CLOSED, S.ARCHIVED, S.REFERRED, S.NOT_ACCEPTED, S.WITHDRAWN)
OPEN_STATES: Final = tuple(status for status in AppealStatus if status not in CLOSED_STATES and status is not S.DRAFT)

_NOTES: Final[Mapping[AppealStatus, tuple[str, str]]] = {
    S.DRAFT: ("Being entered.", "正在录入。"),
    S.REGISTERED: ("Registered; it is being decided how it is handled.", "已登记，正在确定办理方式。"),
    S.SUPPLEMENTING: ("Waiting for papers from the person who reported it.", "等待诉求人补充材料。"),
    S.NOT_ACCEPTED: ("Not accepted; the person who reported it was told why.", "不予受理，已向诉求人说明理由。"),
    S.REFERRED: ("Passed on to the body in charge.", "已转交有权处理的单位。"),
    S.ATTACHED: ("Handled together with an earlier request on the same matter.", "与同一事项的在先诉求合并办理。"),
    S.AWAITING_DISPATCH: ("Accepted; it is being sent to the department in charge.", "已受理，正在派发至承办单位。"),
    S.CONSULTING: ("It is being decided which department is in charge.", "正在确定承办单位。"),
    S.AWAITING_ACKNOWLEDGEMENT: ("Sent to the department in charge.", "已派发至承办单位。"),
    S.RETURN_REVIEW: ("It is being checked which department is in charge.", "正在核实承办单位。"),
    S.IN_PROGRESS: ("The department in charge is working on it.", "承办单位正在办理。"),
    S.REPORTED_UP: ("Waiting for a decision of the superior authority.", "已上报，等待上级决定。"),
    S.SUSPENDED: ("Work on it is suspended for the time being.", "暂缓办理。"),
    S.UNDER_REVIEW: ("Handled; the result is being checked.", "已办理，正在审核办理结果。"),
    S.AWAITING_CALLBACK: ("Handled; the person who reported it is asked how it went.", "已办理，正在回访诉求人。"),
    S.CLOSED: ("Handled and closed.", "已办结。"),
    S.ON_LEDGER: (
        "It cannot be solved yet; it stays on the list and is reviewed.",
        "暂时无法解决，已列入台账定期复核。",
    ),
    S.ARCHIVED: ("Handled and closed.", "已办结。"),
    S.WITHDRAWN: ("Withdrawn by the person who reported it.", "诉求人已撤回。"),
}


def new_token() -> str:
    """Return what a client holds until it asks for the number; nobody guesses another one's."""
    return secrets.token_hex(16)


def is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


def is_closed(status: AppealStatus) -> bool:
    """GeoReport knows two states; a result that still has to be confirmed is not the end (T34)."""
    return status in CLOSED_STATES


def status_notes(status: AppealStatus, *, chinese: bool) -> str:
    """Return how far it is in plain words, without anything of a department's or a citizen's own wording."""
    return _NOTES[status][1 if chinese else 0]


def service_notice(*, promised: bool, chinese: bool) -> str:
    """Return what can be expected: a date is a promise only once a department was given one."""
    if promised:
        return "请留意预计答复时间。" if chinese else "An answer is promised by the expected date and time."
    if chinese:
        return "请保存编号，诉求将派发至承办单位办理。"
    return (
        "Keep the number of this request: it is sent to the department in charge, which is given a date to answer by."
    )


@dataclass(frozen=True, slots=True)
class Services:
    """`offered` are open to new requests; `of_category` tells under which service an appeal of a category is shown."""

    offered: tuple[Category, ...]
    of_category: Mapping[str, Category]

    def find(self, code: str) -> Category | None:
        """Return the service open to new requests that has this code."""
        return next((service for service in self.offered if service.code == code), None)


def services_of(tree: Tree, hidden: Iterable[str] = ()) -> Services:
    """Return the public services of a taxonomy: its second level, or its first where there is no other.

    Left out are what is confidential, what concerns somebody's health, and `hidden` codes with everything below them.
    Where the taxonomy says for some which need a place, only those are services (section 11); one that says it for none
    is not silenced by that.
    """
    closed = frozenset(hidden)
    own_level = _OWN_LEVEL if any(category.level >= _OWN_LEVEL for category in tree.values()) else 1
    public = {
        code: category
        for code, category in tree.items()
        if category.level == own_level and not any(_is_closed_off(part, closed) for part in _line(tree, category))
    }
    if any(category.location_required and not category.retired for category in public.values()):
        public = {code: category for code, category in public.items() if category.location_required}
    offered = tuple(category for category in public.values() if not category.retired)
    return Services(offered, dict(_shown_under(tree, public, closed)))


def _shown_under(tree: Tree, public: Mapping[str, Category], closed: frozenset[str]) -> Iterator[tuple[str, Category]]:
    """Yield each category whose appeals are public, with its service: itself, or the one it lies below."""
    for code, category in tree.items():
        line = list(_line(tree, category))
        service = next((part for part in line if part.code in public), None)
        if service is not None and not any(_is_closed_off(part, closed) for part in line):
            yield code, service


def _line(tree: Tree, category: Category) -> Iterator[Category]:
    """Yield a category and those above it."""
    current: Category | None = category
    for _ in range(_DEEPEST):
        if current is None:
            return
        yield current
        current = tree.get(current.parent_code or "")


def _is_closed_off(category: Category, closed: frozenset[str]) -> bool:
    names = f"{category.name} {category.name_zh}"
    return category.confidential or category.code in closed or _HEALTH.search(names) is not None


def name_of(category: Category, *, chinese: bool) -> str:
    return category.name_zh or category.name if chinese else category.name


def keywords_of(tree: Tree, service: Category, *, chinese: bool) -> str:
    """Return words that find a service: its name in the other language, and the group's."""
    parent = tree.get(service.parent_code or "")
    shown = name_of(service, chinese=chinese)
    words = [service.name, service.name_zh, *((parent.name, parent.name_zh) if parent else ())]
    return ", ".join(word.replace(",", " ") for word in dict.fromkeys(words) if word and word != shown)


def public_description(title: str, description: str) -> str:
    """Return the one text GeoReport has for a matter: the title goes first unless the description begins with it."""
    title, description = title.strip(), description.strip()
    whole = description if description.startswith(title) else "\n\n".join(part for part in (title, description) if part)
    return whole if len(whole) <= LONGEST_DESCRIPTION else whole[: LONGEST_DESCRIPTION - 1] + "…"


def title_of(description: str, service_name: str) -> str:
    """Return a title for a request that has none: the first line if it is one, else the name of the service.

    Nothing is cut in the middle: half a phone number would no longer be known for one.
    """
    first = next((line.strip() for line in description.splitlines() if line.strip()), "")
    return first if 0 < len(first) <= _LONGEST_TITLE else service_name[:_LONGEST_TITLE]


def full_name(first_name: str, last_name: str) -> str:
    """Join a name as it is written: 王 + 小明 without a gap and family name first, others given name first."""
    if any("\u4e00" <= letter <= "\u9fff" for letter in first_name + last_name):
        return last_name + first_name
    return " ".join(part for part in (first_name, last_name) if part)


def window_of(start: datetime | None, end: datetime | None, now: datetime) -> tuple[datetime, datetime | None]:
    """Return which requests are asked for by their time: 90 days at most, the latest ones unless told otherwise.

    Of a window with one open end, the end that is given counts. Raises InvalidInput for more than 90 days.
    """
    if start is None and end is None:
        return now - WINDOW, None
    if start is None:
        return (end or now) - WINDOW, end
    if end is None:
        return start, start + WINDOW
    if end < start:
        raise InvalidInput("The dates are the wrong way round.", [FieldProblem("/end_date", "lies before start_date")])
    if end - start >= _LONGEST_SPAN:
        problem = FieldProblem("/end_date", "lies more than 90 days after start_date; ask for one span after the other")
        raise InvalidInput("The span is too long.", [problem])
    return start, end


_LOST_PLUS: Final = re.compile(r"(?<=:\d\d) (?=\d\d:?\d\d$)|(?<=\.\d) (?=\d\d:?\d\d$)")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}")
_FIRST_YEAR, _LAST_YEAR = 1900, 2199


def parse_moment(text: str, zone: ZoneInfo, *, ends: bool = False) -> datetime | None:
    """Read a date and time as clients write them; None when it is none.

    Without an offset it is the city's; a bare date is its first moment, or its last one where it `ends` a span. A plus
    sign that was not encoded arrives as a space.
    """
    text = _LOST_PLUS.sub("+", text.strip())
    try:
        if _DATE.fullmatch(text):
            day = date.fromisoformat(text)
            moment = datetime.combine(day, time.max if ends else time.min)
        else:
            moment = datetime.fromisoformat(text)
        if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            return None
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    except (ValueError, OverflowError):
        return None
