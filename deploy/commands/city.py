"""`minqing city`: handed on to where city packs live."""

from deploy.city.command import configure, run

__all__ = ["configure", "run"]
