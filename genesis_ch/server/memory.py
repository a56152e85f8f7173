"""What SET and USE did under a session_id. Clients that fork share one id, so a session is never locked.

Each request runs on its own connection; the session's statements are repeated on it first. Nothing else is kept: no
temporary tables. Everything is bounded and forgotten after an hour without use.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from .statement import first_word

MAX_SESSIONS = 256
MAX_STATEMENTS = 64
SESSION_SECONDS = 3600.0


class SessionMemory:
    """Statements by session_id, in the order they were run. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: OrderedDict[str, tuple[float, list[bytes]]] = OrderedDict()

    def remember(self, session_id: str, sql: bytes) -> None:
        """Keep `sql` if it is SET or USE; the oldest statement gives way past MAX_STATEMENTS."""
        if first_word(sql) not in (b"SET", b"USE"):
            return
        with self._lock:
            _, statements = self._sessions.pop(session_id, (0.0, []))
            kept = [statement for statement in statements if statement != sql]
            self._sessions[session_id] = (time.monotonic(), [*kept, sql][-MAX_STATEMENTS:])
            while len(self._sessions) > MAX_SESSIONS:
                self._sessions.popitem(last=False)

    def recall(self, session_id: str) -> list[bytes]:
        """The statements to repeat, oldest first."""
        now = time.monotonic()
        with self._lock:
            while self._sessions and now - next(iter(self._sessions.values()))[0] > SESSION_SECONDS:
                self._sessions.popitem(last=False)
            if session_id not in self._sessions:
                return []
            _, statements = self._sessions.pop(session_id)
            self._sessions[session_id] = (now, statements)
            return list(statements)
