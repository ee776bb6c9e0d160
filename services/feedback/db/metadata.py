"""The one MetaData of schema `feedback`, with every table of this service declared on it."""

from services.feedback.db import tables
from shared.http.idempotency import idempotency_table
from shared.identity.tables import api_key_table
from shared.messaging.tables import messaging_tables

SCHEMA = tables.SCHEMA

metadata = tables.metadata
messaging_tables(metadata)
idempotency_table(metadata)
api_key_table(metadata)
