"""What the local stack reads from its environment; a value that makes no sense is one clear line.

Standard library only: the supervisor stays resident and must stay small.
"""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import StackError
from shared.vocabulary import Service

DEFAULT_PORTS: Mapping[Service, int] = {Service.INTAKE: 8001, Service.DISPATCH: 8002, Service.FEEDBACK: 8003}
CITIES = Path(__file__).with_name("cities")
DEFAULT_CITY = "weidu"
NO_CITY = "none"
MASTER_KEY_FILE = "master.key"


@dataclass(frozen=True, slots=True)
class StackSettings:
    """Where the stack lives and listens; `database_urls` and `redis_url` are None where it brings its own server."""

    data_dir: Path
    host: str
    ports: Mapping[Service, int]
    database_urls: Mapping[Service, str] | None
    redis_url: str | None
    city: Path | None
    master_key: str | None = None

    @property
    def keys_file(self) -> Path:
        return self.data_dir / "demo-keys.json"

    @property
    def state_file(self) -> Path:
        return self.data_dir / "stack.json"

    @property
    def log_dir(self) -> Path:
        return self.data_dir / "log"

    def base_url(self, service: Service) -> str:
        host = self.host if self.host not in {"0.0.0.0", "::", ""} else "127.0.0.1"  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.ports[service]}"

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> "StackSettings":
        """Read the environment. Raises StackError naming the variable at fault."""
        values = {name: value.strip() for name, value in (environment or os.environ).items() if value.strip()}
        return cls(
            data_dir=Path(values.get("MINQING_DATA_DIR", "var")).absolute(),
            host=values.get("MINQING_HOST", "127.0.0.1"),
            ports=_ports(values),
            database_urls=_database_urls(values),
            redis_url=values.get("REDIS_URL"),
            city=city_pack(values.get("MINQING_CITY", DEFAULT_CITY)),
            master_key=values.get("MINQING_MASTER_KEY"),
        )


def _ports(values: Mapping[str, str]) -> dict[Service, int]:
    ports: dict[Service, int] = {}
    for service, default in DEFAULT_PORTS.items():
        name = f"{service.name}_PORT"
        text = values.get(name, str(default))
        if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
            raise StackError(f"{name} must be a port from 1 to 65535, not {text!r}")
        ports[service] = int(text)
    if len(set(ports.values())) < len(ports):
        names = ", ".join(f"{service.name}_PORT={port}" for service, port in ports.items())
        raise StackError(f"every service needs a port of its own: {names}")
    return ports


def _database_urls(values: Mapping[str, str]) -> dict[Service, str] | None:
    names = {service: f"{service.name}_DATABASE_URL" for service in Service}
    given = {service: values[name] for service, name in names.items() if name in values}
    if given and len(given) < len(names):
        missing = ", ".join(name for service, name in names.items() if service not in given)
        raise StackError(f"the three database addresses go together; missing: {missing}")
    return given or None


def city_pack(name: str) -> Path | None:
    """The directory of a pack, given by its path or by the name of one that comes along; None for "none"."""
    if name == NO_CITY:
        return None
    for candidate in (CITIES / name, Path(name)):
        if candidate.is_dir():
            return candidate.absolute()
    known = ", ".join(sorted(path.name for path in CITIES.glob("*") if path.is_dir()))
    raise StackError(f"there is no city pack {name!r}: give a directory or one of {known}")


def city_time_zone(city: Path | None) -> str | None:
    """The time zone the pack names; None without a pack or where it names none (checking a pack is another's work)."""
    try:
        found = json.loads((city / "city.json").read_text(encoding="utf-8"))["time_zone"] if city is not None else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None


def master_key(settings: StackSettings) -> str:
    """The key that wraps the vault's keys: the configured one, else one made once and kept in the data directory."""
    if settings.master_key is not None:
        return settings.master_key
    path = settings.data_dir / MASTER_KEY_FILE
    try:
        if not path.exists():
            write_private(path, secrets.token_urlsafe(32) + "\n")
        return path.read_text().strip()
    except OSError as error:
        raise StackError(f"the master key {path} cannot be kept: {error.strerror}") from error


def write_private(path: Path, text: str) -> None:
    """Write a file only its owner may read, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
