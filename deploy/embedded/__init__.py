"""PostgreSQL and Redis from wheels, run as children of ours: the default servers of the local stack and the tests."""

from deploy.embedded.postgres import PostgresServer
from deploy.embedded.redis import RedisServer

__all__ = ["PostgresServer", "RedisServer"]
