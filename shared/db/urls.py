"""Database addresses as operators write them, turned into what the driver wants."""

from sqlalchemy.engine import URL, make_url

from shared.errors import FieldProblem, InvalidInput

_POSTGRES_NAMES = frozenset({"postgres", "postgresql", "postgresql+asyncpg"})


def async_url(text: str) -> URL:
    """Accept `postgres://`, `postgresql://` or `postgresql+asyncpg://` and return the asyncpg form.

    Raises InvalidInput for any other database; the text is not repeated, it may hold a password.
    """
    url = make_url(text)
    if url.drivername not in _POSTGRES_NAMES:
        problem = FieldProblem("database_url", "must be a PostgreSQL address", sorted(_POSTGRES_NAMES))
        raise InvalidInput("the database address is not one of PostgreSQL", [problem])
    return url.set(drivername="postgresql+asyncpg")
