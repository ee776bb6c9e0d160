"""Finds the databases a command should work on: yours by environment, a running stack's, or a stopped stack's own."""

import contextlib
import json
from collections.abc import Iterator, Mapping

from deploy.embedded.directory import DirectoryClaim
from deploy.errors import StackError
from deploy.settings import StackSettings
from shared.vocabulary import Service


@contextlib.contextmanager
def database_urls(settings: StackSettings) -> Iterator[Mapping[Service, str]]:
    """The three DSNs; an embedded PostgreSQL that does not run is started for as long as the caller needs it."""
    if settings.database_urls is not None:
        yield settings.database_urls
        return
    running = _of_running_stack(settings)
    if running is not None:
        yield running
        return
    if not (settings.data_dir / "postgres" / "data" / "PG_VERSION").exists():
        raise StackError(
            f"there is no database: none in {settings.data_dir} (make run makes one) and INTAKE_DATABASE_URL, "
            "DISPATCH_DATABASE_URL, FEEDBACK_DATABASE_URL are not set"
        )
    from deploy.embedded import PostgresServer

    claim = DirectoryClaim(settings.data_dir)
    claim.take()
    server = PostgresServer(settings.data_dir / "postgres")
    try:
        server.start()
        server.create_roles()
        yield {service: server.url(service.value) for service in Service}
    finally:
        server.stop()
        claim.release()


def _of_running_stack(settings: StackSettings) -> Mapping[Service, str] | None:
    """The DSNs of the stack that holds the data directory now; what a crashed one has left behind does not count."""
    try:
        state = json.loads(settings.state_file.read_text(encoding="utf-8"))
        found = {Service(name): str(url) for name, url in state["database_urls"].items()}
    except (OSError, ValueError, KeyError, AttributeError):
        return None
    claim = DirectoryClaim(settings.data_dir)
    try:
        claim.take()
    except StackError:
        return found
    claim.release()
    return None
