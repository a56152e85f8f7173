"""A program: the embedded server as the one node of clusters named `one` and `two`, for test_cluster.py.

The engine here has no queue of distributed DDL and no Keeper, so this node does what a node does with a statement that it takes from
the queue: it runs it without ON CLUSTER. Replicated tables can be made (with the stand-in for Keeper that ClickHouse has in it), but
not written to; so the tables are plain ones, unless the database is called `replicated`. Cluster `one` has one shard, this node;
`two` has two, both this node.
"""

from __future__ import annotations

import re
import sys
from typing import Any

from genesis_ch.server import engine, rights, serve

PORT = 9000
"""Nothing listens there: a shard with the node's own address and port is the node itself."""
_SHARD = f"<shard><internal_replication>true</internal_replication><replica><host>127.0.0.1</host><port>{PORT}</port></replica></shard>"
_CONFIG = (
    f"<tcp_port>{PORT}</tcp_port><remote_servers><one>{_SHARD}</one><two>{_SHARD}{_SHARD}</two></remote_servers>"
    "<macros><shard>1</shard><replica>node-1</replica></macros>"
    "<default_replica_path>/clickhouse/tables/{shard}/{database}/{table}</default_replica_path>"
    "<default_replica_name>{replica}</default_replica_name>"
    "<zookeeper><implementation>testkeeper</implementation><node><host>127.0.0.1</host><port>2181</port></node></zookeeper>"
    "</clickhouse>"
)
_ON_CLUSTER = re.compile(rb" ON CLUSTER '\w+'")
_REPLICATED = re.compile(rb"(ENGINE = )Replicated")


class Node(engine.Session):
    """A session that runs distributed DDL itself."""

    _database = ""

    def use(self, database: str) -> None:
        super().use(database)
        self._database = database

    def query(self, sql: bytes, output_format: str = "TabSeparated") -> bytes:
        """Run it without ON CLUSTER, and as a plain table outside of the database `replicated`."""
        sql = _ON_CLUSTER.sub(b"", sql)
        return super().query(sql if self._database == "replicated" else _REPLICATED.sub(rb"\1", sql), output_format)


def main(directory: str) -> None:
    """Serve until SIGTERM; the DSN goes to stdout."""
    real = rights.engine_config

    def config(*arguments: Any) -> str:
        return real(*arguments).replace("</clickhouse>", _CONFIG)

    vars(engine).update(Session=Node, engine_config=config)
    serve(directory, on_ready=lambda dsn: print(dsn, flush=True), allow_files=True, allow_network=True)


main(sys.argv[1])
