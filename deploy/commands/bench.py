"""`minqing bench`: handed on to where measuring lives."""

from deploy.bench.command import configure, run

__all__ = ["configure", "run"]
