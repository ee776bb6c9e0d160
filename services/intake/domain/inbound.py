"""What other systems send, in their own words: a mapping per source turns a payload into an appeal.

Each rule fills one field of an appeal: from a place in the payload (JSON Pointer, RFC 6901), from several places joined
by line ends, through a table of words, or with a fixed value.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.errors import FieldProblem, InvalidInput

MOST_RULES: Final = 60
# Not urgency and mode: those are set by rule and by staff, never by what somebody else's system says (trap 32).
_FIELDS: Final = frozenset(
    {
        "type", "category_code", "title", "description", "occurred_at", "received_at", "special_care",
        "first_contact_staff", "location.address", "location.longitude", "location.latitude",
        "location.grid_code", "reporter.name", "reporter.phone", "reporter.email", "reporter.anonymous",
        "reporter.confidential", "reporter.wants_reply", "on_behalf_of.name", "on_behalf_of.phone",
        "external_ref.id", "external_ref.system",
    }
)  # fmt: skip
_OPEN_ENDED: Final = ("attributes.", "channel_details.")
_NUMBERS: Final = frozenset({"location.longitude", "location.latitude"})


@dataclass(frozen=True, slots=True)
class MappingRule:
    """How one field is filled. `values` translates what is found; `default` is taken when nothing is found."""

    field: str
    pointers: tuple[str, ...] = ()
    values: Mapping[str, Any] | None = None
    default: Any = None


def check_rules(rules: Sequence[MappingRule]) -> None:
    """Raise InvalidInput naming every rule that cannot work; an appeal needs a type and a title."""
    problems = list(_problems_of(rules))
    if problems:
        raise InvalidInput("The mapping is not usable.", problems)


def _problems_of(rules: Sequence[MappingRule]) -> Iterator[FieldProblem]:
    filled = {rule.field for rule in rules}
    for needed in ("type", "title"):
        if needed not in filled:
            yield FieldProblem(f"/mapping/{needed}", "is required")
    if len(rules) > MOST_RULES:
        yield FieldProblem("/mapping", f"has more than {MOST_RULES} rules", {"max_items": MOST_RULES})
    for rule in rules:
        if rule.field not in _FIELDS and not rule.field.startswith(_OPEN_ENDED):
            yield FieldProblem(f"/mapping/{rule.field}", "is not a field of an appeal", sorted(_FIELDS))
        if not rule.pointers and rule.default is None:
            yield FieldProblem(f"/mapping/{rule.field}", "needs a pointer or a default")
        for pointer in rule.pointers:
            if not pointer.startswith("/"):
                yield FieldProblem(f"/mapping/{rule.field}", "a JSON Pointer starts with /")


def apply_rules(rules: Sequence[MappingRule], payload: Any) -> dict[str, Any]:
    """Return the body of an appeal that a payload means; what is not found is left out, for the body's own checks."""
    body: dict[str, Any] = {}
    for rule in rules:
        value = _value_of(rule, payload)
        if value is None:
            continue
        *parents, name = rule.field.split(".", 1)
        target = body
        for parent in parents:
            target = target.setdefault(parent, {})
        target[name] = value
    return body


def _value_of(rule: MappingRule, payload: Any) -> Any:
    found = [value for pointer in rule.pointers if (value := resolve(payload, pointer)) not in {None, ""}]
    if not found:
        return rule.default
    value = found[0] if len(rule.pointers) == 1 else "\n".join(str(part) for part in found)
    if rule.values is not None:
        return rule.values.get(str(value), rule.default)
    if rule.field in _NUMBERS and isinstance(value, str):
        return _number(value)
    return value


def _number(text: str) -> Any:
    """Many systems write coordinates as text; what is no number stays as it is, for the body's own checks to tell."""
    try:
        return float(text)
    except ValueError:
        return text


def resolve(payload: Any, pointer: str) -> Any:
    """Return what a JSON Pointer names, None when there is nothing; whole objects and lists are not values here."""
    here = payload
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(here, Mapping):
            here = here.get(key)
        elif isinstance(here, list) and key.isascii() and key.isdigit() and int(key) < len(here):
            here = here[int(key)]
        else:
            return None
    return None if isinstance(here, dict | list) else here
