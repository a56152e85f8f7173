"""What flush(), connect() and endpoint() give back."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class FlushResult:
    """Rows of this process since it began to record.

    delivered: stored, as the server acknowledged. pending: in the outbox, to be delivered later, also by another process.
    rejected: refused by the server, kept in the outbox's quarantine. parked: put aside because their table does not fit,
    tried again later. dropped: lost, because the outbox was at its cap or a row was too large.
    last_error: why the last attempt failed, or None. True when nothing is pending, rejected, parked or dropped.
    """

    delivered: int = 0
    pending: int = 0
    rejected: int = 0
    dropped: int = 0
    parked: int = 0
    last_error: str | None = None

    def __bool__(self) -> bool:
        return not (self.pending or self.rejected or self.dropped or self.parked)


@dataclass(frozen=True)
class Endpoint:
    """The server that rows go to: url is "http://host:port/", settings the URL's query, "" when there is none,
    ca_file the certificates that https trusts, "" for those of the system."""

    url: str
    user: str
    password: str = field(repr=False)
    database: str
    settings: str = ""
    ca_file: str = ""


class ConnectError(Exception):
    """The server cannot be used.

    kind is "disabled", "url", "dns", "refused", "timeout", "tls", "auth", "schema", "server" or "embedded"; reason is one
    sentence that names the cause and the cure.
    """

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
