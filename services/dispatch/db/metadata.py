"""The one MetaData of schema `dispatch`; every table module of this service attaches its tables to it.

The table modules are imported at the end, so that whoever compares model and DDL through this module sees all of them.
"""

from shared.db.schema import service_metadata
from shared.http.idempotency import idempotency_table
from shared.identity.tables import api_key_table
from shared.messaging.tables import messaging_tables

SCHEMA = "dispatch"

metadata = service_metadata(SCHEMA)
messaging_tables(metadata)
idempotency_table(metadata)
api_key_table(metadata)

import services.dispatch.db.tables_registry  # noqa: E402 - they need `metadata` above
import services.dispatch.db.tables_tickets  # noqa: E402, F401
