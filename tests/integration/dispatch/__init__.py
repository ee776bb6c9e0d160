"""Dispatch on a real database, a real Redis and a real server."""
