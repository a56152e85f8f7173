"""The clickhouse-connect client behind ch_logger.client, as careful with password and queries as the core is."""

from __future__ import annotations

import functools
import ipaddress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from ._core import server_text

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from ._results import Endpoint

WORDS_MAX = 300
READING = {"final": 1, "optimize_move_to_prewhere_if_final": 1, "distributed_product_mode": "global"}
"""How our tables are read: each row once, and what a query asks of a key is looked at before other columns are read. The engine moves
conditions on key columns only, so that what is replaced stays replaced. On a cluster a join, or an IN, of two tables sees all shards."""


def make(endpoint: Endpoint, connect_timeout: int) -> Client:
    """A client on the server that rows go to. It reads with final=1, joins across the shards of a cluster, trusts what the core trusts, follows no redirect, sends the
    parameters of a query in the body, and uses the proxy of the environment for any address but a loopback one.
    """
    from clickhouse_connect import get_client

    parts = urlsplit(endpoint.url)
    client = get_client(
        host=parts.hostname,
        port=parts.port or 0,
        username=endpoint.user,
        password=endpoint.password,
        database=endpoint.database,
        secure=parts.scheme == "https",
        settings={**READING, **dict(parse_qsl(endpoint.settings))},
        connect_timeout=connect_timeout,
        autogenerate_session_id=False,
        pool_mgr=_pool(parts.scheme, parts.hostname or "", parts.port or 0, endpoint.ca_file),
    )
    client.form_encode_query_params = True  # type: ignore[attr-defined]
    return client


def close(client: Client) -> None:
    """Close it and its connections."""
    client.close()
    client.http.clear()  # type: ignore[attr-defined]


def words_of(error: Exception) -> str:
    """An error of the client in one line, without the data that a server quotes."""
    text = str(error) or type(error).__name__
    if "Code: " in text or "DB::" in text:
        return server_text(text, WORDS_MAX)
    return text.splitlines()[0][:WORDS_MAX]


def _pool(scheme: str, host: str, port: int, ca_file: str) -> Any:
    from clickhouse_connect.driver.httputil import check_env_proxy, get_pool_manager

    proxy = None if _is_loopback(host) else check_env_proxy(scheme, host, port)
    pool: Any = get_pool_manager(
        ca_cert=ca_file or None,
        http_proxy=proxy if scheme == "http" else None,
        https_proxy=proxy if scheme == "https" else None,
    )
    # clickhouse-connect has no option for it, and passes retries of its own with each request.
    pool.urlopen = functools.partial(pool.urlopen, redirect=False)
    return pool


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
