"""`minqing chaos`: handed on to where breaking things lives."""

from deploy.chaos.command import configure, run

__all__ = ["configure", "run"]
