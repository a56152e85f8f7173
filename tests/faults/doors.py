"""TLS servers in front of a real engine: each admits by a certificate, or fails as servers do, and notes what reaches it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Self

BUFFER = 65536
HOLD_SECONDS = 20.0

Greeting = Callable[["Door", socket.socket], socket.socket | None]
"""What a door does with a new connection: the channel for requests, or None when there is none."""


def tls(file: Path, *, newest: ssl.TLSVersion | None = None, ciphers: str = "") -> Greeting:
    """Shake hands with the certificate in file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    if ciphers:
        context.set_ciphers(ciphers)
    if newest is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.maximum_version = newest

    def greet(door: Door, connection: socket.socket) -> socket.socket | None:
        del door
        return context.wrap_socket(connection, server_side=True)

    return greet


def plain_http(door: Door, connection: socket.socket) -> socket.socket | None:
    """Answer as a server that does not speak TLS."""
    door.note(connection.recv(BUFFER))
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    with contextlib.suppress(OSError):
        door.note(connection.recv(BUFFER))
    return None


def hang(door: Door, connection: socket.socket) -> socket.socket | None:
    """Take what comes and say nothing."""
    connection.settimeout(HOLD_SECONDS)
    with contextlib.suppress(OSError):
        while chunk := connection.recv(BUFFER):
            door.note(chunk)
    return None


def reset(door: Door, connection: socket.socket) -> socket.socket | None:
    """Break the connection off behind the first words of the handshake."""
    door.note(connection.recv(BUFFER))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return None


def plain(door: Door, connection: socket.socket) -> socket.socket | None:
    """No TLS at all: for http:// addresses."""
    del door
    return connection


class Door:
    """Listens on a port of its own; greeting may be changed while it runs, and answer makes it reply without the engine."""

    def __init__(self, greeting: Greeting, upstream: int, answer: bytes = b"") -> None:
        self.greeting = greeting
        self.upstream = upstream
        self.answer = answer
        self.connections = 0
        self._lock = threading.Lock()
        self._seen = bytearray()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()

    def note(self, chunk: bytes) -> None:
        """Remember bytes that reached this side: decrypted where there is TLS."""
        with self._lock:
            self._seen += chunk

    def take_seen(self) -> bytes:
        """What was noted since it was last asked."""
        with self._lock:
            seen = bytes(self._seen)
            self._seen.clear()
        return seen

    def drop(self) -> None:
        """Close every connection."""
        with self._lock:
            held = list(self._open)
        for connection in held:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        channel: socket.socket | None = None
        try:
            channel = self.greeting(self, connection)
            if channel is not None:
                with self._lock:
                    self._open.add(channel)
                self._talk(channel)
        except (OSError, ValueError):  # a client that refuses the handshake
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
                self._open.discard(channel or connection)
            (channel or connection).close()
            connection.close()

    def _talk(self, channel: socket.socket) -> None:
        if self.answer:
            self.note(channel.recv(BUFFER))
            channel.sendall(self.answer)
            channel.settimeout(0.2)
            with contextlib.suppress(OSError):
                while chunk := channel.recv(BUFFER):
                    self.note(chunk)
            return
        with socket.create_connection(("127.0.0.1", self.upstream)) as engine:
            threading.Thread(target=_pump, args=(engine, channel), daemon=True).start()
            while chunk := channel.recv(BUFFER):
                self.note(chunk)
                engine.sendall(chunk)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError, ValueError):
        while chunk := source.recv(BUFFER):
            sink.sendall(chunk)
    with contextlib.suppress(OSError, ValueError):
        sink.shutdown(socket.SHUT_RDWR)
