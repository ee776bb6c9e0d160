"""A mail becomes an appeal, urges one, or is only noted: whoever brings it, a gateway or our own mailbox."""

from services.intake.domain.appeals import ExternalRef
from services.intake.domain.mail import SYSTEM, Mail
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.receive_delivery import Delivery, Received, ignore_delivery, receive_delivery
from shared.db.engine import Database


async def take_mail(db: Database, desk: Desk, mail: Mail, *, actor: str) -> Received:
    """Register a mail, or find that it is on record; what a machine wrote is only noted. Raises InvalidInput."""
    delivery = Delivery(SYSTEM, mail.message_id, actor)
    if mail.is_automatic:
        return await db.transact(lambda uow: ignore_delivery(uow, delivery))
    submission = mail.submission(now=db.clock.now())
    references = [ExternalRef(SYSTEM, reference) for reference in mail.references]
    return await db.transact(lambda uow: receive_delivery(uow, desk, delivery, submission, replies_to=references))
