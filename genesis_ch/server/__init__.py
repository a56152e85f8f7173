"""The embedded server: a ClickHouse engine behind ClickHouse's HTTP protocol, for one directory, on loopback only.

Processes. A sender that finds no live server spawns `python -m genesis_ch.server --path DIR --detach`. That process
forks twice at once, so its parent waits some 20 ms; the grandchild has no terminal, no inherited descriptor, `/` as its
directory, and serves until it is idle. `genesis-ch serve` runs the same in the foreground through `serve`.

Threads. The thread that starts runs Waitress's socket loop, watches for idleness and stops. Workers (loop.WORKERS)
answer one request each, every request on an engine connection of its own. The engine has some twenty threads besides.

States and what is on disk in each:

    starting   lock held, endpoint.json absent; tmp/ is emptied
    serving    lock held, endpoint.json written (last, when the socket listens and the engine answers)
    draining   lock held, endpoint.json gone; new requests get 503, running ones a few seconds
    stopped    lock free, endpoint.json gone

Files of DIR (mode 0700), each 0600:

    data/           the engine's; nobody else opens it, and queries see no file beside it
    tmp/            long request bodies and big results while they are under way
    server.lock     flock LOCK_EX for the server's whole life; a probe with LOCK_SH tells whether one lives
    endpoint.json   {"url", "pid", "token", "version"}, replaced in one step
    token           the password, made once, so that a DSN stays valid
    server.log      starts, stops and faults, at most 256 KiB and one older file; no password, query text or row

A server whose directory is removed or replaced leaves within seconds and touches nothing of the new one.

What a crash leaves. The kernel frees the lock. While starting: nothing to repair. While serving: an endpoint.json
that names a dead process, so a reader trusts it only while the lock is held; the next server removes it. During an
insert: the engine writes a part under a temporary name and renames it whole before the 200 leaves, so an acknowledged
insert is there after kill -9 and an unanswered one is there whole or not at all (past min_insert_block_size_rows, in
steps of that size). Parts and the directories that name them are synced before the answer (`rights.engine_config`), so
that a power failure keeps an acknowledged insert too, as far as the disk keeps what it says it has.

What is ClickHouse's and what is not. Errors, their numbers and HTTP status, headers, formats, compression, bound
parameters, form uploads and the mark of an error in mid-stream are as ClickHouse has them. Differences: `final=1` and
`async_insert=0` unless a request says otherwise; a session_id never locks, and keeps what SET and USE did but no
temporary tables; query_id is echoed but the engine does not know it; compress=1 and decompress=1 are refused; no
progress headers are sent; a query that only reads is stopped when its client leaves.

Modules: `loop` the life, `store` the directory, `watch` idleness, `app` who may ask, `request` what is asked, `body`
how it is packed, `statement` the little SQL that must be understood, `run` one query, `memory` sessions, `engine` the
connections, `reply` the answer, `errors` the numbers, `wire` slow and odd clients, `rights` what queries may reach,
`fence` the kernel's part in that.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def serve(
    path: str | Path,
    host: str = "127.0.0.1",
    port: int = 0,
    password: str | None = None,
    idle: float = 0.0,
    on_ready: Callable[[str], None] | None = None,
    allow_files: bool = False,
    allow_network: bool = False,
    fenced: bool = False,
) -> int:
    """Serve the directory `path` in the foreground until SIGINT or SIGTERM, or `idle` seconds without a request.

    `path` is the `.genesis_ch` directory, made if missing. `host` must be a loopback address; `port` 0 takes any free
    one; `password` None takes the directory's own; `idle` 0 stays for good. `on_ready` is called once with the DSN,
    `http://default:PASSWORD@HOST:PORT/default`, when the server answers. Queries reach files outside the directory and
    other servers only as far as `allow_files`, `allow_network` or GENESIS_CH_SERVER_ALLOW say; with `fenced` the kernel
    keeps this whole process to that for good, where it can. Returns 0. Once per process: the engine does
    not open a second directory.

    Raises store.StoreBusy if another server holds the directory (its text names process and address), OSError for a
    taken port or a directory that cannot be written, ValueError for a host that is not loopback, ImportError if the
    extra `embedded` is not installed, errors.QueryError if the engine cannot open its data.
    """
    from . import fence
    from .loop import dsn, run_server
    from .rights import read_allow
    from .store import Store

    allow = read_allow(allow_files, allow_network)
    if fenced:
        os.umask(0o077)
    store = Store(Path(path))
    store.lock()
    if fenced:
        allow = fence.close(store.path, allow)
    try:
        run_server(
            store,
            host,
            port,
            password if password is not None else store.password(),
            idle,
            (lambda endpoint: on_ready(dsn(endpoint))) if on_ready is not None else None,
            allow,
        )
    finally:
        store.unlock()
    return 0
