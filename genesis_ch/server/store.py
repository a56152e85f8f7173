"""The `.genesis_ch` directory: its lock, its password, its endpoint file, its log. Everything in it is private."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import secrets
import shutil
import time
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path

from .reply import BrokenReply

LOCK_WAIT_SECONDS = 0.5
"""A sender probes the lock for a moment to learn whether a server lives; the server waits that out."""
LOCK_STEP_SECONDS = 0.01
LOG_BYTES = 256 * 1024
LOG_FILES = 1
TOKEN_BYTES = 24
MAX_SMALL_FILE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What endpoint.json says: where a server listens and the password that opens it."""

    url: str
    pid: int
    token: str
    version: str


class StoreBusy(Exception):
    """Another server holds the directory. The text names its process and address as far as they are known."""


class Store:
    """One directory, made with mode 0700 if missing: data/, tmp/, endpoint.json, server.lock, server.log, token."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.data = self.path / "data"
        self.scratch = self.path / "tmp"
        self._endpoint = self.path / "endpoint.json"
        self._lock_fd = -1
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_private(self.path)
        ignore = self.path / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="ascii")

    def lock(self) -> None:
        """Hold the directory until `unlock` or the end of the process; StoreBusy if another process does."""
        fd = os.open(self.path / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        deadline = time.monotonic() + LOCK_WAIT_SECONDS
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(fd)
                    raise StoreBusy(self._busy_text()) from None
                time.sleep(LOCK_STEP_SECONDS)
        self._lock_fd = fd

    def is_held(self) -> bool:
        """True while the lock held is that of the path; False once the directory was removed or replaced."""
        try:
            there, held = os.stat(self.path / "server.lock"), os.fstat(self._lock_fd)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)

    def unlock(self) -> None:
        """Let the directory go."""
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1

    def clean(self) -> None:
        """Remove what a killed server left: its endpoint and its scratch files. Only with the lock held."""
        self.remove_endpoint()
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(mode=0o700, exist_ok=True)

    def password(self) -> str:
        """The directory's own password, made at the first call and the same ever after."""
        path = self.path / "token"
        found = _read_small(path).strip()
        if not found:
            found = secrets.token_urlsafe(TOKEN_BYTES)
            _write_private(path, found + "\n")
        return found

    def publish(self, endpoint: Endpoint) -> None:
        """Write endpoint.json in one step: a reader sees the old one, none, or this one whole."""
        text = json.dumps(
            {"url": endpoint.url, "pid": endpoint.pid, "token": endpoint.token, "version": endpoint.version}
        )
        _write_private(self._endpoint, text + "\n")

    def read_endpoint(self) -> Endpoint | None:
        """The published endpoint, or None if there is none that can be read. Its server may be dead."""
        try:
            found = json.loads(_read_small(self._endpoint))
            return Endpoint(str(found["url"]), int(found["pid"]), str(found["token"]), str(found.get("version", "")))
        except (ValueError, KeyError, TypeError):
            return None

    def remove_endpoint(self) -> None:
        """Take endpoint.json away, unless it is that of a server in a directory that replaced ours."""
        if self.is_held():
            self._endpoint.unlink(missing_ok=True)

    def open_log(self) -> logging.Handler:
        """A handler on server.log, mode 0600 and at most LOG_BYTES long; one older file is kept beside it."""
        path = self.path / "server.log"
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        handler = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8")
        handler.addFilter(_worth_a_line)
        handler.setFormatter(_Formatter("%(asctime)s %(process)d %(levelname)s %(message)s"))
        return handler

    def _busy_text(self) -> str:
        found = self.read_endpoint()
        who = f"process {found.pid} at {found.url}" if found else "another process that is starting or stopping"
        return f"{self.path} is already served by {who}"


def _worth_a_line(record: logging.LogRecord) -> bool:
    """False for a query that failed in mid-stream: its client was told, and Waitress takes it for a fault of ours."""
    return not (record.exc_info and record.exc_info[0] is not None and issubclass(record.exc_info[0], BrokenReply))


class _Formatter(logging.Formatter):
    """Prints an exception's type and frames without its message, which may quote a query or a row."""

    def formatException(self, ei: object) -> str:
        if not isinstance(ei, tuple) or ei[0] is None:
            return ""
        frames = []
        step = ei[2]
        while step is not None:
            code = step.tb_frame.f_code
            frames.append(f"  {os.path.basename(code.co_filename)}:{step.tb_lineno} {code.co_name}")
            step = step.tb_next
        return "\n".join([str(ei[0].__name__), *frames[-8:]])


def _make_private(path: Path) -> None:
    """Take others' rights away from a directory; PermissionError if it belongs to another user."""
    found = os.stat(path)
    if os.geteuid() not in (0, found.st_uid):
        raise PermissionError(f"{path} belongs to user {found.st_uid}; take another directory, or start as its owner")
    if found.st_mode & 0o077:
        os.chmod(path, 0o700)


def _read_small(path: Path) -> str:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return ""
    # A file that another user laid here first would make a password known to them.
    if os.fstat(fd).st_uid not in (os.geteuid(), os.stat(path.parent).st_uid):
        os.close(fd)
        raise PermissionError(f"{path} belongs to another user; remove it")
    with os.fdopen(fd, encoding="utf-8", errors="replace") as file:
        return file.read(MAX_SMALL_FILE_BYTES)


def _write_private(path: Path, text: str) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    temporary.unlink(missing_ok=True)
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
