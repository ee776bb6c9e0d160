"""`minqing demo`: handed on to where the demonstration lives."""

from deploy.demo.command import configure, run

__all__ = ["configure", "run"]
