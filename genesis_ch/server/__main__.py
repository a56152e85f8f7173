"""`python -m genesis_ch.server`: the process that a sender starts on demand."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

IDLE_SECONDS = 300.0
MAX_FD = 1 << 20
"""Descriptors up to here are closed where the system does not tell its limit."""


def main() -> int:
    """Serve; 0 after a clean end and when --detach finds the directory served, 1 with a sentence on stderr else."""
    options = _parser().parse_args()
    # A sender starts this process from a thread of its own, on which every signal may be blocked.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    os.umask(0o077)
    path = Path(options.path).absolute()
    if options.detach:
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            return _fail(f"cannot serve {path}: {error}")
        _detach(path / "server.log")
    return _serve(options, path)


def _serve(options: argparse.Namespace, path: Path) -> int:
    # Imported here because a detached start must leave its parent before anything takes time.
    import logging

    from . import fence
    from .errors import QueryError
    from .loop import be_modest, dsn, run_server
    from .rights import read_allow
    from .store import Endpoint, Store, StoreBusy

    log = logging.getLogger("genesis_ch.server")
    try:
        allow = read_allow(options.allow_files, options.allow_network)
        store = Store(path)
        store.lock()
    except ValueError as error:
        return _fail(str(error))
    except StoreBusy as error:
        return 0 if options.detach else _fail(str(error))
    except OSError as error:
        return _fail(f"cannot serve {path}: {error}")
    handler = store.open_log()
    logging.getLogger().addHandler(handler)
    log.setLevel(logging.INFO)

    def announce(endpoint: Endpoint) -> None:
        be_modest()
        if not options.detach:
            print(dsn(endpoint), flush=True)

    reason = ""
    try:
        password = _password(options) or store.password()
        allow = fence.close(store.path, allow)
        log.info("queries may reach beyond the directory: %s; kept by the kernel: %s", allow, "yes" if allow.kernel else "no")
        run_server(store, options.host, options.port, password, options.idle, announce, allow)
    except ModuleNotFoundError as error:
        reason = f"{error.name} is not installed; pip install 'genesis_ch[embedded]'"
    except QueryError as error:
        reason = f"the engine cannot open {store.data}: {error.text}"
    except (OSError, ValueError, ImportError) as error:
        reason = str(error)
    if reason:
        log.error("cannot serve: %s", reason)
    handler.close()
    return _fail(f"cannot serve {path}: {reason}") if reason else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m genesis_ch.server", description="Serve a ClickHouse directory.")
    parser.add_argument("--path", required=True, metavar="DIR", help="the .genesis_ch directory; made if missing")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--password", default="", help="instead of the directory's own; other users can see it")
    parser.add_argument("--password-file", default="", metavar="FILE", help="read the password from FILE")
    parser.add_argument("--idle", type=float, default=IDLE_SECONDS, metavar="SECONDS", help="0: never leave")
    parser.add_argument("--allow-files", action="store_true", help="let queries read and write this user's files")
    parser.add_argument("--allow-network", action="store_true", help="let queries reach other servers")
    parser.add_argument("--detach", action="store_true", help="serve in the background, without a terminal")
    return parser


def _password(options: argparse.Namespace) -> str:
    if options.password_file:
        return Path(options.password_file).read_text(encoding="utf-8").strip()
    return str(options.password)


def _detach(log_path: Path) -> None:
    """Leave the parent, its session, its directory and its open files; only the second child returns."""
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    os.chdir("/")
    limit = os.sysconf("SC_OPEN_MAX")
    os.closerange(3, limit if limit > 0 else MAX_FD)
    null = os.open(os.devnull, os.O_RDWR)
    log = os.open(log_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    for target, source in ((0, null), (1, null), (2, log)):
        os.dup2(source, target)
    os.close(null)
    os.close(log)


def _fail(text: str) -> int:
    print(f"genesis_ch.server: {text}", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    code = main()
    # The engine's threads do not survive the interpreter's own clean-up.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
