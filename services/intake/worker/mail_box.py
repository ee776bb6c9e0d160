"""Fetches mail over IMAP: what is unread becomes an appeal, and is marked as read once that is committed.

A mail that is fetched twice makes one appeal: its Message-ID is on record. One that cannot be read is flagged for a
person to look at, and stops no other.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import structlog

from services.intake.domain.mail import read_mail
from services.intake.settings import Settings
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.receive_mail import take_mail
from shared.db.engine import Database, is_database_trouble
from shared.errors import DomainError
from shared.messaging.process import Background, ProcessContext, repeat

if TYPE_CHECKING:
    from imapclient import IMAPClient

log = structlog.get_logger(__name__)

ACTOR: Final = "system:mail"
_AT_ONCE: Final = 50
_LARGEST: Final = 30 * 1024 * 1024
_TIMEOUT_SECONDS: Final = 30.0
_SEEN: Final = b"\\Seen"
_FLAGGED: Final = b"\\Flagged"


def mail_box_of(settings: Settings) -> Background:
    """Return the loop of a worker with these settings; without an address it ends at once."""

    async def run(context: ProcessContext, stop: asyncio.Event) -> None:
        if settings.imap_url is None:
            return
        box = MailBox(settings.imap_url.get_secret_value())
        reader = MailReader(context.database, Desk.from_settings(settings), box)
        await repeat("mail-box", timedelta(seconds=settings.imap_poll_seconds), reader.fetch, stop)

    return run


@dataclass(frozen=True, slots=True)
class Fetched:
    """One mail as the server has it; None when it is larger than we take."""

    uid: int
    content: bytes | None


class MailBox:
    """A mailbox: `imaps://user:password@host[:port]/folder`, with `imap://` for a server beside us."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"imap", "imaps"} or not parts.hostname:
            raise ValueError("INTAKE_IMAP_URL must be imap:// or imaps:// with a host")
        self._host, self._port, self._encrypted = parts.hostname, parts.port, parts.scheme == "imaps"
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._folder = unquote(parts.path.lstrip("/")) or "INBOX"

    @contextmanager
    def opened(self) -> Iterator["IMAPClient"]:
        """Log in and open the folder. Blocking: for a thread."""
        from imapclient import IMAPClient

        client = IMAPClient(self._host, port=self._port, ssl=self._encrypted, timeout=_TIMEOUT_SECONDS, use_uid=True)
        with client:
            client.login(self._user, self._password)
            client.select_folder(self._folder)
            yield client

    def unread(self) -> list[Fetched]:
        """Return the first unread mails, leaving them unread. Blocking."""
        with self.opened() as client:
            uids = sorted(client.search(["UNSEEN", "UNFLAGGED"]))[:_AT_ONCE]
            sizes: dict[int, Any] = client.fetch(uids, ["RFC822.SIZE"]) if uids else {}
            return [self._fetch(client, uid, sizes[uid][b"RFC822.SIZE"]) for uid in uids if uid in sizes]

    def _fetch(self, client: "IMAPClient", uid: int, size: int) -> Fetched:
        if size > _LARGEST:
            return Fetched(uid, None)
        return Fetched(uid, client.fetch([uid], ["BODY.PEEK[]"])[uid][b"BODY[]"])

    def mark(self, read: list[int], strange: list[int]) -> None:
        """Mark what is on record as read, and flag what a person must look at. Blocking."""
        with self.opened() as client:
            if read:
                client.add_flags(read, [_SEEN], silent=True)
            if strange:
                client.add_flags(strange, [_FLAGGED], silent=True)


class MailReader:
    """Takes the unread mail of a box in."""

    def __init__(self, database: Database, desk: Desk, box: MailBox) -> None:
        self._database = database
        self._desk = desk
        self._box = box

    async def fetch(self) -> bool:
        """Take in one lot of unread mail; return whether there may be more. A server that is away is waited out."""
        from imapclient.exceptions import IMAPClientError

        try:
            unread = await asyncio.to_thread(self._box.unread)
            read, strange = await self._take_all(unread)
            if read or strange:
                await asyncio.to_thread(self._box.mark, read, strange)
        except (IMAPClientError, OSError) as error:
            log.warning("mail.server_trouble", error=type(error).__name__)
            return False
        return len(unread) == _AT_ONCE

    async def _take_all(self, unread: list[Fetched]) -> tuple[list[int], list[int]]:
        read: list[int] = []
        strange: list[int] = []
        for mail in unread:
            (read if await self._take(mail) else strange).append(mail.uid)
        return read, strange

    async def _take(self, fetched: Fetched) -> bool:
        if fetched.content is None:
            log.error("mail.too_large", uid=fetched.uid)
            return False
        try:
            received = await take_mail(self._database, self._desk, read_mail(fetched.content), actor=ACTOR)
        except DomainError as error:
            log.error("mail.not_readable", uid=fetched.uid, code=error.code)
            return False
        except Exception as error:
            if is_database_trouble(error):
                raise
            log.error("mail.failed", uid=fetched.uid, error=type(error).__name__)
            return False
        log.info("mail.taken", uid=fetched.uid, outcome=received.outcome)
        return True
