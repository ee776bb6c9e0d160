"""The one MetaData of schema `dispatch`; every table module of this service attaches its tables to it."""

from shared.db.schema import service_metadata
from shared.http.idempotency import idempotency_table
from shared.identity.tables import api_key_table
from shared.messaging.tables import messaging_tables

SCHEMA = "dispatch"

metadata = service_metadata(SCHEMA)
messaging = messaging_tables(metadata)
idempotency = idempotency_table(metadata)
api_keys = api_key_table(metadata)
