"""Running requests: when the server is idle, when it may stop, which query nobody waits for any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Watch:
    """Thread-safe. Times are time.monotonic seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self._last = time.monotonic()
        self._closing = False
        self._followed: dict[str, Callable[[], bool]] = {}

    def enter(self) -> bool:
        """A request begins; False if the server no longer takes any."""
        with self._lock:
            if self._closing:
                return False
            self._running += 1
            return True

    def leave(self) -> None:
        """A request that entered has ended."""
        with self._lock:
            self._running -= 1
            self._last = time.monotonic()

    def close(self) -> None:
        """Take no further request."""
        with self._lock:
            self._closing = True

    def close_if_idle(self, seconds: float) -> bool:
        """Close, and return True, if no request runs and none ended within the last `seconds`."""
        with self._lock:
            if self._running or time.monotonic() - self._last < seconds:
                return False
            self._closing = True
            return True

    def follow(self, mark: str, abandoned: Callable[[], bool]) -> None:
        """The query called `mark` may be stopped as soon as `abandoned()` says that its client has left."""
        with self._lock:
            self._followed[mark] = abandoned

    def unfollow(self, mark: str) -> None:
        """The query called `mark` has ended; a second call does nothing."""
        with self._lock:
            self._followed.pop(mark, None)

    def take_abandoned(self, everyone: bool = False) -> list[str]:
        """Marks of the queries to stop: of clients that have left, or all that are followed. Each is told once."""
        with self._lock:
            marks = [mark for mark, abandoned in self._followed.items() if everyone or abandoned()]
            for mark in marks:
                del self._followed[mark]
            return marks

    @property
    def running(self) -> int:
        """Requests under way."""
        with self._lock:
            return self._running

    @property
    def quiet_seconds(self) -> float:
        """Seconds since the last request ended; 0 while one runs."""
        with self._lock:
            return 0.0 if self._running else time.monotonic() - self._last
