"""Time-ordered identifiers (UUID version 7, RFC 9562): new rows land at the end of their index."""

import os
import threading
import time
from uuid import UUID

_VERSION_7 = 0x7 << 76
_VARIANT_RFC = 0b10 << 62
_RANDOM_BITS = 62

_lock = threading.Lock()
_last_ms = 0
_counter = 0


def uuid7() -> UUID:
    """Return a new UUIDv7, strictly increasing inside one process.

    The 12 bits after the timestamp are a counter that starts anew each millisecond; when it overflows, or the
    machine's clock steps back, the timestamp runs ahead instead, so order never breaks.
    """
    global _last_ms, _counter  # noqa: PLW0603 - the monotonic state is per process by definition
    with _lock:
        now_ms = time.time_ns() // 1_000_000
        if now_ms > _last_ms:
            _last_ms, _counter = now_ms, 0
        else:
            _counter += 1
            if _counter > 0xFFF:
                _last_ms, _counter = _last_ms + 1, 0
        milliseconds, counter = _last_ms, _counter
    random_part = int.from_bytes(os.urandom(8), "big") >> (64 - _RANDOM_BITS)
    return UUID(int=(milliseconds << 80) | _VERSION_7 | (counter << 64) | _VARIANT_RFC | random_part)
