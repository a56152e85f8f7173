"""The tables of a database as the server has them, and how to name them in an ALTER: on a cluster their data lies elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

CLUSTER_SECONDS = 3600
"""How long a statement on a cluster is waited for."""
_DISTRIBUTED = re.compile(r"Distributed\(('(?:[^'\\]|\\.)*'), '(?:[^'\\]|\\.)*', '((?:[^'\\]|\\.)*)'")
_QUERY = "SELECT name, engine, engine_full, total_rows FROM system.tables WHERE database = currentDatabase()"


@dataclass(frozen=True)
class Table:
    """A table. `stored` is the one with the data on this server: itself, or the one below it where it is a Distributed table."""

    name: str
    stored: str
    engine: str
    engine_full: str
    cluster: str
    empty: bool

    @property
    def alter(self) -> str:
        """What follows ALTER TABLE."""
        return quoted(self.stored) + (f" ON CLUSTER {self.cluster}" if self.cluster else "")

    @property
    def settings(self) -> dict[str, Any]:
        """What an ALTER needs, so that it ends when its work has ended, on every replica."""
        waiting: dict[str, Any] = {"mutations_sync": 2}
        return waiting | ({"distributed_ddl_task_timeout": CLUSTER_SECONDS} if self.cluster else {})

    @property
    def replaces(self) -> bool:
        """Whether rows of a key replace each other, so that FINAL can be asked for."""
        return "Replacing" in self.engine


def tables(client: Client) -> dict[str, Table]:
    """Return the tables of the client's database by their names."""
    rows = {str(row[0]): row[1:] for row in client.query(_QUERY).result_rows}
    found = {}
    for name, (engine, engine_full, total_rows) in rows.items():
        distributed = _DISTRIBUTED.match(str(engine_full)) if engine == "Distributed" else None
        cluster, stored = (distributed[1], distributed[2]) if distributed else ("", name)
        engine, engine_full = rows[stored][:2] if stored in rows else (engine, engine_full)
        found[name] = Table(name, stored, str(engine), str(engine_full), cluster, not cluster and total_rows == 0)
    return found


def quoted(name: str) -> str:
    """Return a name as an identifier."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
