"""The intake desk: what registering needs besides the database, made once per process."""

from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from services.intake.db.catalogue import CatalogueCache
from services.intake.db.vault import Vault
from services.intake.domain.acceptance import AcceptanceTerms
from services.intake.domain.supplements import PaperTerms
from services.intake.settings import Settings
from services.intake.suggestion.advisor import Advisor


@dataclass(frozen=True, slots=True)
class Desk:
    """The vault, the catalogue as this process holds it, the city's time zone and its terms."""

    vault: Vault
    catalogue: CatalogueCache
    zone: ZoneInfo
    terms: AcceptanceTerms = field(default_factory=AcceptanceTerms)
    papers: PaperTerms = field(default_factory=PaperTerms)
    advisor: Advisor = field(default_factory=lambda: Advisor(Path("var")))

    @classmethod
    def from_settings(cls, settings: Settings) -> "Desk":
        vault = Vault(settings.master_key.get_secret_value(), earlier_keys=settings.earlier_keys)
        return cls(
            vault,
            CatalogueCache(),
            settings.zone,
            settings.acceptance_terms,
            settings.paper_terms,
            Advisor(settings.data_dir, accept_at=settings.suggestion_accept_at),
        )
