"""Causes and cures: what to tell a user whose rows do not arrive.

The reason of a ConnectError names the cause and the first cure; here is what helps when that was not it.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

from genesis_ch.cli import screen

URL_FORM = "https://user:password@host:port/database"
PERCENT = "percent-encode what is special in a user name or password: @ is %40, / is %2F, # is %23"
FIREWALL = "check that no firewall blocks outbound connections to that port"
TLS_PORTS = "https:// needs a TLS port (8443 by default) and http:// a plain one (8123 by default)"

_CURES: dict[str, tuple[str, ...]] = {
    "disabled": (
        f"to use a server: export CLICKHOUSE_URL={URL_FORM}",
        "to use no server: python -m pip install 'genesis_ch[embedded]'",
    ),
    "url": (f"write CLICKHOUSE_URL as {URL_FORM}; http:// works too", PERCENT),
    "dns": ("check the host name for a typing error, and that this machine has a network and a name server",),
    "refused": (FIREWALL,),
    "timeout": (FIREWALL, "a paused ClickHouse Cloud service takes about a minute to wake up: try again"),
    "tls": (TLS_PORTS, "check that the certificate is valid for the host name in CLICKHOUSE_URL"),
    "auth": (PERCENT,),
    "schema": ("check that the user may CREATE, ALTER, SELECT and INSERT in the database", "run: genesis-ch migrate"),
    "embedded": (
        "check that the directory of the store is writable and that its disk is not full",
        "run the server in the foreground to see what it says: genesis-ch serve",
    ),
    "outbox": ("check that the directory of the outbox is writable and that its disk is not full",),
    "server": (
        "the port has to be that of ClickHouse's HTTP interface: 8123, or 8443 for https; 9000 speaks another protocol",
        "see whether a proxy answers in its place: echo $http_proxy $https_proxy",
    ),
}

_AGAIN = ("what was done stays done; when the cause is gone, the same command does the rest",)
_STATEMENT_CURES = {
    "497": ("run it with an account that may ALTER the tables; the words above name the right that is missing",),
    "164": ("the account is read-only: run it with one that may ALTER the tables",),
}

CLOUD_HINT = "ClickHouse Cloud answers on https:// and port 8443, not on http:// and port 8123"

NO_CLIENT = "clickhouse-connect not installed: rows are delivered, but nothing here can read them"
NO_CLIENT_CURES = ("run: python -m pip install clickhouse-connect",)

NO_DATA = "No data in tables: they fill when a runner calls ch_logger."
NO_DATA_CURES = (
    "record a run that needs no runner: genesis-ch demo",
    "run an unmodified Genesis checkout with: genesis-ch exec -- COMMAND",
    "llm_logs and agent_actions fill by themselves there; the other five need calls in runner.py",
)

SLOW_CURES = (
    "filter by run_id wherever the table has it: it comes first in the sorting key",
    "give llm_logs and agent_actions a range of timestamp: they are partitioned by month",
    "name the columns you need: SELECT * reads the long texts as well",
)


def cures(kind: str) -> list[str]:
    """Return what else helps against a connection failure of this kind (`ConnectError.kind`)."""
    url = os.environ.get("CLICKHOUSE_URL", "")
    switched_off = os.environ.get("GENESIS_CH_MODE", "").lower() == "disabled"
    known = list(_CURES.get(kind, _CURES["server"]))
    if kind == "disabled" and switched_off:
        known = ["unset GENESIS_CH_MODE, which says disabled"]
    if kind == "timeout" and url.startswith("https"):
        known.insert(0, TLS_PORTS)
    if kind in ("refused", "timeout", "tls") and _looks_like_cloud(url):
        known.insert(0, CLOUD_HINT)
    return known


@contextlib.contextmanager
def told(what: str) -> Iterator[None]:
    """Leave with 1, and with cause and cure, when the server or the way to it fails inside; `what` is what was being done."""
    from clickhouse_connect.driver.exceptions import ClickHouseError

    from genesis_ch._client import words_of

    try:
        yield
    except (ClickHouseError, OSError) as error:
        words = words_of(error)
        code = re.search(r"[Cc]ode: (\d+)", str(error))
        screen.fail(f"Could not {what}: {words}", _STATEMENT_CURES.get(code[1] if code else "", _AGAIN))
        sys.exit(1)


def _looks_like_cloud(url: str) -> bool:
    """True for a Cloud host, and for a scheme that does not go with its port."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    mismatch = (parts.scheme, port) in (("http", 8443), ("https", 8123))
    return mismatch or host.endswith((".clickhouse.cloud", ".clickhouse-staging.com"))
