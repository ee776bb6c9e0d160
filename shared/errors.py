"""What can go wrong in the domain, free of any framework; `shared.http` maps each to a problem document."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


class DomainError(Exception):
    """A refusal with a stable machine-readable `code` and a sentence for people, free of personal data."""

    code = "domain_error"
    title = "The request cannot be carried out"

    def __init__(self, detail: str, *, code: str | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra
        if code is not None:
            self.code = code


class NotFound(DomainError):
    """There is no such thing, or it is not the caller's to see; both look the same from outside."""

    code = "not_found"
    title = "Not found"


class Gone(DomainError):
    """It was there, its time has run out, and it does not come back."""

    code = "gone"
    title = "No longer available"


class Forbidden(DomainError):
    """The caller is known and lacks the right."""

    code = "forbidden"
    title = "Not allowed"


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing wrong with one field: where (JSON pointer), what, and what would be right."""

    field: str
    message: str
    allowed: Any = None


class InvalidInput(DomainError):
    """Well-formed input that breaks a rule; names every field at fault."""

    code = "invalid_input"
    title = "The input is not valid"

    def __init__(self, detail: str, problems: Iterable[FieldProblem] = (), *, code: str | None = None) -> None:
        super().__init__(detail, code=code)
        self.problems: Sequence[FieldProblem] = tuple(problems)


class Conflict(DomainError):
    """The present state of things does not allow it."""

    code = "conflict"
    title = "Conflict with the present state"


class IllegalMove(Conflict):
    """A state machine has no such transition from here."""

    code = "illegal_move"
    title = "The move is not allowed in this state"

    def __init__(self, move: str, state: str, allowed_moves: Iterable[str]) -> None:
        allowed = sorted(allowed_moves)
        super().__init__(
            f"'{move}' is not possible while the state is '{state}'",
            move=move,
            state=state,
            allowed_moves=allowed,
        )


class StaleVersion(DomainError):
    """The caller decided on an older version than the one that is stored."""

    code = "stale_version"
    title = "The version is not the current one"


class Unavailable(DomainError):
    """A dependency is away; trying again later may work."""

    code = "unavailable"
    title = "Temporarily unavailable"

    def __init__(self, detail: str, *, retry_after_seconds: int = 1, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.retry_after_seconds = retry_after_seconds
