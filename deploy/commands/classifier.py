"""`minqing classifier`: handed on to where it lives."""

from deploy.classifier.command import configure, run

__all__ = ["configure", "run"]
