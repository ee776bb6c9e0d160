"""What day it is in the city."""

from datetime import date

from services.dispatch.db import sla
from shared.db.unit_of_work import UnitOfWork


async def local_today(uow: UnitOfWork) -> date:
    """The date on the city's wall; UTC's before a calendar has been loaded."""
    code = await sla.default_calendar_code(uow.connection)
    calendar = None if code is None else await sla.find_calendar(uow.connection, code)
    return uow.now.date() if calendar is None else calendar.local_date(uow.now)
