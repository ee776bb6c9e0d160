"""Who is calling: one shape for machines with an API key and people with a token."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from shared.errors import DomainError
from shared.identity.scopes import Scope


class Unauthenticated(DomainError):
    """No credential, or one that does not hold; why is never told apart to the caller."""

    code = "unauthenticated"
    title = "Authentication is needed"

    def __init__(self, detail: str = "A valid bearer credential is needed.", *, challenge: str = "Bearer") -> None:
        super().__init__(detail)
        self.challenge = challenge


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller. `actor` is what the record keeps; it holds no personal data of a citizen."""

    id: str
    kind: Literal["api_key", "jwt"]
    name: str
    scopes: frozenset[str]
    department_code: str | None
    actor: str

    def has(self, scope: str) -> bool:
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def has_any(self, scopes: Iterable[str]) -> bool:
        return any(self.has(scope) for scope in scopes)

    def sees_department(self, department_code: str | None) -> bool:
        """A principal bound to a department sees only that one; others look as if they did not exist."""
        return self.department_code is None or self.department_code == department_code
