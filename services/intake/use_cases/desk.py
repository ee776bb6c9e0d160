"""The intake desk: what registering needs besides the database, made once per process."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from services.intake.db.catalogue import CatalogueCache
from services.intake.db.vault import Vault
from services.intake.settings import Settings


@dataclass(frozen=True, slots=True)
class Desk:
    """The vault, the catalogue as this process holds it, and the city's time zone."""

    vault: Vault
    catalogue: CatalogueCache
    zone: ZoneInfo

    @classmethod
    def from_settings(cls, settings: Settings) -> "Desk":
        vault = Vault(settings.master_key.get_secret_value(), earlier_keys=settings.earlier_keys)
        return cls(vault, CatalogueCache(), settings.zone)
