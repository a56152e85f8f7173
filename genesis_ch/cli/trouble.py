"""Causes and cures: what to tell a user whose rows do not arrive."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

URL_FORM = "https://user:password@host:port/database"

_CURES: dict[str, tuple[str, ...]] = {
    "disabled": (
        f"to use a server: export CLICKHOUSE_URL={URL_FORM}",
        "to use no server: python -m pip install 'genesis_ch[embedded]'",
    ),
    "url": (
        f"write CLICKHOUSE_URL as {URL_FORM}; http:// works too",
        "percent-encode what is special in a user name or password: @ is %40, / is %2F, # is %23",
    ),
    "dns": (
        "check the host name in CLICKHOUSE_URL for a typing error",
        "check that this machine has a network and a name server",
    ),
    "refused": (
        "check the host and the port in CLICKHOUSE_URL, and that the server runs",
        "check that no firewall blocks outbound connections to that port",
    ),
    "timeout": (
        "check the host and the port in CLICKHOUSE_URL",
        "check that no firewall blocks outbound connections to that port",
        "a paused ClickHouse Cloud service takes about a minute to wake up: try again",
    ),
    "tls": (
        "https:// needs a TLS port (8443 by default) and http:// a plain one (8123 by default)",
        "check that the certificate is valid for the host name in CLICKHOUSE_URL",
    ),
    "auth": (
        "check the user name and the password in CLICKHOUSE_URL",
        "percent-encode what is special in them: @ is %40, / is %2F, # is %23",
    ),
    "schema": (
        "check that the user may CREATE, ALTER, SELECT and INSERT in the database",
        "run: genesis-ch migrate",
    ),
    "server": ("read the server's own log for the request that failed, then try again",),
    "embedded": (
        "check that the directory of the store is writable and that its disk is not full",
        "run the server in the foreground to see what it says: genesis-ch serve",
    ),
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
    """Return what helps against a connection failure of this kind (`ConnectError.kind`)."""
    known = list(_CURES.get(kind, _CURES["server"]))
    if kind == "disabled" and os.environ.get("GENESIS_CH_MODE", "").lower() == "disabled":
        known.insert(0, "unset GENESIS_CH_MODE, which says disabled")
    if kind in ("refused", "timeout", "tls") and _looks_like_cloud(os.environ.get("CLICKHOUSE_URL")):
        known.insert(0, CLOUD_HINT)
    return known


def _looks_like_cloud(url: str | None) -> bool:
    """True for a Cloud host, and for a scheme that does not go with its port."""
    if not url:
        return False
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    mismatch = (parts.scheme, port) in (("http", 8443), ("https", 8123))
    return mismatch or host.endswith((".clickhouse.cloud", ".clickhouse-staging.com"))
