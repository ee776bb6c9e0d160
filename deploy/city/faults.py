"""What can be wrong with a pack: every fault with its file, place, field and reason, collected rather than thrown."""

from collections.abc import Iterator
from dataclasses import dataclass, field

FAULTS_SHOWN = 200


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong: `place` is `line 12` in a table, `feature 3 (411002001)` in a map, empty for the whole file."""

    file: str
    place: str
    field: str
    reason: str

    def __str__(self) -> str:
        where = ": ".join(part for part in (self.file, self.place, self.field) if part)
        return f"{where}: {self.reason}"


@dataclass(slots=True)
class Faults:
    """Collects the faults and warnings of one reading, in the order they are met."""

    errors: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)

    def add(self, file: str, reason: str, *, place: str = "", field: str = "") -> None:
        self.errors.append(Fault(file, place, field, reason))

    def warn(self, file: str, reason: str, *, place: str = "", field: str = "") -> None:
        self.warnings.append(Fault(file, place, field, reason))

    def __iter__(self) -> Iterator[Fault]:
        return iter(self.errors)

    def __bool__(self) -> bool:
        return bool(self.errors)


class PackInvalid(Exception):
    """The pack cannot be loaded; nothing was written. `faults` names everything that has to be put right."""

    def __init__(self, pack: str, faults: Faults) -> None:
        self.faults = tuple(faults.errors)
        shown = [str(fault) for fault in self.faults[:FAULTS_SHOWN]]
        if len(self.faults) > FAULTS_SHOWN:
            shown.append(f"and {len(self.faults) - FAULTS_SHOWN} more")
        count = f"{len(self.faults)} fault{'s' if len(self.faults) != 1 else ''}"
        super().__init__("\n  ".join([f"the city pack {pack} has {count}; nothing was written", *shown]))
