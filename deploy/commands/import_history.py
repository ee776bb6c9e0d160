"""`minqing import`: handed on to where history comes in."""

from deploy.importing.command import configure, run

__all__ = ["configure", "run"]
