"""Who may call a route. Every route declares it with `require(...)` or `public()`; one that does not is refused."""

from collections.abc import Iterator
from typing import Any

from fastapi import Request

from shared.errors import Forbidden
from shared.http.requests import header_of
from shared.identity.principal import Principal
from shared.identity.scopes import Scope


class Guard:
    """A route's declared right: any one of `scopes` suffices; none at all means the route is public."""

    __slots__ = ("scopes",)

    def __init__(self, scopes: tuple[str, ...]) -> None:
        self.scopes = scopes

    @property
    def is_public(self) -> bool:
        return not self.scopes

    async def __call__(self, request: Request) -> Principal | None:
        """The dependency's value; the check itself was done before the body was read."""
        return await self.admit(request)

    async def admit(self, request: Request) -> Principal | None:
        """Return who calls. Raises Unauthenticated, Forbidden, TooManyRequests or Unavailable."""
        if self.is_public:
            return None
        scope: Any = request.scope
        principal: Principal | None = scope.get("minqing.principal")
        if principal is None:
            state = scope["app"].state
            principal = await state.identity.authenticate(header_of(scope, b"authorization"))
            scope["minqing.principal"] = principal
            await state.rate_limiter.take(principal.id)
        if not principal.has_any(self.scopes):
            raise Forbidden("The credential lacks the scope.", required_scopes=list(self.scopes))
        return principal


def require(*scopes: str) -> Guard:
    """Declare that a route needs one of these scopes. Raises ValueError for a scope that does not exist.

    Use: `principal: Annotated[Principal, Security(require("tickets:pull"))]`.
    """
    if not scopes:
        raise ValueError("name a scope, or declare the route public()")
    return Guard(tuple(Scope(scope).value for scope in scopes))


def public() -> Guard:
    """Declare that a route is open to everybody: `dependencies=[Depends(public())]`."""
    return Guard(())


def guards_of(dependant: Any) -> Iterator[Guard]:
    """All guards declared anywhere in a route's dependency tree."""
    if isinstance(dependant.call, Guard):
        yield dependant.call
    for child in dependant.dependencies:
        yield from guards_of(child)
