"""A mailbox on loopback that speaks as much IMAP4rev1 (RFC 3501) as fetching unread mail takes."""

import re
import shlex
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

USER, PASSWORD = "hotline@city.example", "p@ss/word"


@dataclass
class Mailbox:
    """Mails by uid with their flags; `port` once it is served."""

    port: int = 0
    mails: dict[int, bytes] = field(default_factory=dict)
    flags: dict[int, set[str]] = field(default_factory=dict)

    def deliver(self, content: bytes) -> int:
        uid = len(self.mails) + 1
        self.mails[uid], self.flags[uid] = content, set()
        return uid


class _Session(socketserver.StreamRequestHandler):
    """One connection; the commands are those that IMAPClient sends."""

    @property
    def box(self) -> Mailbox:
        return cast("Mailbox", cast("Any", self.server).box)

    def handle(self) -> None:
        self.say("* OK ready")
        for line in self.rfile:
            tag, _, rest = line.decode().strip().partition(" ")
            words = rest.split(" ")
            command = " ".join(words[:2]).upper() if words[0].upper() == "UID" else words[0].upper()
            answer = getattr(self, f"do_{command.replace(' ', '_').lower()}", None)
            result = answer(rest) if answer is not None else "OK done"
            self.say(f"{tag} {result}")
            if command == "LOGOUT":
                return

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def do_capability(self, _rest: str) -> str:
        self.say("* CAPABILITY IMAP4rev1")
        return "OK done"

    def do_login(self, rest: str) -> str:
        _, user, password = shlex.split(rest)
        return "OK done" if (user, password) == (USER, PASSWORD) else "NO wrong"

    def do_select(self, _rest: str) -> str:
        self.say(f"* {len(self.box.mails)} EXISTS")
        self.say("* OK [UIDVALIDITY 1] fixed")
        return "OK [READ-WRITE] done"

    def do_uid_search(self, _rest: str) -> str:
        unread = [uid for uid, flags in self.box.flags.items() if not flags & {r"\Seen", r"\Flagged"}]
        self.say(f"* SEARCH {' '.join(map(str, unread))}".rstrip())
        return "OK done"

    def do_uid_fetch(self, rest: str) -> str:
        _, _, uids, what = rest.split(" ", 3)
        for uid in map(int, uids.split(",")):
            content = self.box.mails[uid]
            if "RFC822.SIZE" in what:
                self.say(f"* {uid} FETCH (UID {uid} RFC822.SIZE {len(content)})")
                continue
            self.wfile.write(f"* {uid} FETCH (UID {uid} BODY[] {{{len(content)}}}\r\n".encode() + content + b")\r\n")
        return "OK done"

    def do_uid_store(self, rest: str) -> str:
        _, _, uids, rest = rest.split(" ", 3)
        for uid in map(int, uids.split(",")):
            self.box.flags[uid] |= set(re.findall(r"\\\w+", rest))
        return "OK done"

    def do_logout(self, _rest: str) -> str:
        self.say("* BYE")
        return "OK done"


@contextmanager
def serving(box: Mailbox) -> Iterator[Mailbox]:
    """Serve a mailbox on a free port of the loopback until the block ends."""

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server(("127.0.0.1", 0), _Session) as server:
        cast("Any", server).box = box
        box.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield box
        finally:
            server.shutdown()
            thread.join()
