"""City packs: one directory of plain files makes the system that city's own (format: docs/city-packs.md).

`read_pack` checks everything and reports every fault before anything is written; `load_city` writes it, and loading
it twice changes nothing.
"""

from deploy.city.faults import Fault, PackInvalid
from deploy.city.model import CityPack
from deploy.city.pack import read_pack

__all__ = ["CityPack", "Fault", "PackInvalid", "read_pack"]
