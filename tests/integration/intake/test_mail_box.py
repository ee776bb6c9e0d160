"""Unread mail of a mailbox becomes appeals, once each, and is marked as read only when they are on record."""

from collections.abc import Iterator

import pytest

from services.intake.worker.mail_box import MailBox, MailReader
from tests.integration.intake.office import Office
from tests.support.imap_server import PASSWORD, USER, Mailbox, serving
from tests.unit.intake.test_mail import mail


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with serving(Mailbox()) as box:
        yield box


def reader(office: Office, mailbox: Mailbox, *, password: str = PASSWORD) -> MailReader:
    user, password = USER.replace("@", "%40"), password.replace("@", "%40").replace("/", "%2F")
    return MailReader(office.database, office.desk, MailBox(f"imap://{user}:{password}@127.0.0.1:{mailbox.port}/INBOX"))


async def test_unread_mail_becomes_appeals_and_is_marked_as_read(office: Office, mailbox: Mailbox) -> None:
    mailbox.deliver(bytes(mail()))
    mailbox.deliver(bytes(mail("井盖丢失", Message_ID="<a2@example.org>")))

    await reader(office, mailbox).fetch()

    assert len(await office.rows("appeals")) == 2
    assert list(mailbox.flags.values()) == [{"\\Seen"}, {"\\Seen"}]


async def test_a_mail_that_is_fetched_again_makes_no_second_appeal(office: Office, mailbox: Mailbox) -> None:
    uid = mailbox.deliver(bytes(mail()))
    await reader(office, mailbox).fetch()
    mailbox.flags[uid].clear()

    await reader(office, mailbox).fetch()

    assert len(await office.rows("appeals")) == 1
    assert mailbox.flags[uid] == {"\\Seen"}


async def test_a_mail_that_cannot_be_read_is_flagged_and_stops_no_other(office: Office, mailbox: Mailbox) -> None:
    strange = mailbox.deliver(b"Subject: nobody\r\n\r\nwrote this")
    good = mailbox.deliver(bytes(mail()))

    await reader(office, mailbox).fetch()

    assert (mailbox.flags[strange], mailbox.flags[good]) == ({"\\Flagged"}, {"\\Seen"})
    assert len(await office.rows("appeals")) == 1


async def test_a_server_that_refuses_us_is_waited_out(office: Office, mailbox: Mailbox) -> None:
    uid = mailbox.deliver(bytes(mail()))

    assert await reader(office, mailbox, password="wrong").fetch() is False

    assert mailbox.flags[uid] == set()
    await reader(office, mailbox).fetch()
    assert mailbox.flags[uid] == {"\\Seen"}


@pytest.mark.parametrize("url", ["http://host/INBOX", "imap:///INBOX", "INBOX"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="INTAKE_IMAP_URL"):
        MailBox(url)
