"""The WSGI application: who may ask, what is asked, and the way of a result to the client."""

from __future__ import annotations

import hmac
import logging
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .engine import Engine
from .errors import QueryError, own_error
from .memory import SessionMemory
from .reply import Headers, base_headers
from .request import read_credentials, read_request
from .run import Answer, Run
from .watch import Watch

USER = "default"
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
MAX_PATH_ECHO = 200

StartResponse = Callable[[str, Headers], Any]
_REASONS = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 408: "Request Timeout", 411: "Length Required", 413: "Content Too Large",
    415: "Unsupported Media Type", 500: "Internal Server Error", 501: "Not Implemented", 503: "Service Unavailable",
}  # fmt: skip
_log = logging.getLogger("genesis_ch.server")


class App:
    """Answers requests on the server's worker threads. `scratch` is a directory for results too big for memory."""

    def __init__(self, engine: Engine, password: str, scratch: Path, watch: Watch, host: str) -> None:
        self._engine = engine
        self._password = password.encode("utf-8", "surrogateescape")
        self._scratch = scratch
        self._watch = watch
        self._names = LOCAL_NAMES | {host}
        self._memory = SessionMemory()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """WSGI entry."""
        if environ["PATH_INFO"] == "/ping":
            return _plain(start_response, 200, "Ok.\n")
        if not self._watch.enter():
            return _plain(start_response, 503, "The server is shutting down.\n")
        answer = Answer(self._watch.leave)
        try:
            answer.chunks = self._answer(environ, start_response, answer)
            return answer
        except BaseException:
            answer.close()
            raise

    def _answer(self, environ: dict[str, Any], start_response: StartResponse, answer: Answer) -> Iterable[bytes]:
        refusal = self._refuse_foreign(environ)
        if refusal:
            return _plain(start_response, 403, refusal)
        if environ["PATH_INFO"] not in ("/", "/query"):
            return _plain(start_response, 404, f"There is no handle {environ['PATH_INFO'][:MAX_PATH_ECHO]}\n")
        if environ["REQUEST_METHOD"] == "HEAD":
            return _plain(start_response, 200, "")
        if environ["REQUEST_METHOD"] not in ("GET", "POST"):
            return _plain(start_response, 405, "Use GET or POST.\n", [("Allow", "GET, POST, HEAD")])
        headers = base_headers("", self._engine.timezone)
        try:
            self._authenticate(environ)
            request = read_request(environ, self._engine.rights.allow.body)
            headers = base_headers(request.query_id, self._engine.timezone)
            if not request.query and request.method != "POST":
                return _plain(start_response, 200, "Ok.\n")
            run = Run(self._engine, self._scratch, self._memory, self._watch, request, answer)
            headers, chunks = run.reply(headers)
            start_response(_status(200), headers)
            return chunks
        except QueryError as error:
            return self._error(error, headers, start_response)
        except Exception as error:  # noqa: BLE001 - the client gets an answer whatever fails here
            _log.error("a request failed inside the server: %s", _where(error))
            reason = own_error(1002, f"The server failed: {type(error).__name__}; see server.log")
            return self._error(reason, headers, start_response)

    def _error(self, error: QueryError, headers: Headers, start_response: StartResponse) -> Iterable[bytes]:
        extra = [("X-ClickHouse-Exception-Code", str(error.code))]
        if error.status == 401:
            extra.append(("WWW-Authenticate", 'Basic realm="ClickHouse server HTTP API"'))
        return _plain(start_response, error.status, error.render(self._engine.version), [*headers, *extra])

    def _authenticate(self, environ: dict[str, Any]) -> None:
        found = read_credentials(environ)
        if found is None:
            text = f"{USER}: Authentication failed: password is required"
            raise own_error(516, text, 401)
        if not self._matches(*found):
            text = "Authentication failed: password is incorrect, or there is no user with such name"
            raise own_error(516, f"{USER}: {text}", 403)

    def knows(self, environ: dict[str, Any]) -> bool:
        """Whether a request's headers and URL bring the password."""
        try:
            found = read_credentials(environ)
        except QueryError:
            return False
        return found is not None and self._matches(*found)

    def _matches(self, user: str, password: str) -> bool:
        right = hmac.compare_digest(password.encode("utf-8", "surrogateescape"), self._password)
        return right and user == USER

    def _refuse_foreign(self, environ: dict[str, Any]) -> str:
        """A web page in the user's browser reaches loopback, by its own name or by one that it lets point here."""
        host = environ.get("HTTP_HOST", "")
        if "HTTP_HOST" in environ and _host_name(host) not in self._names:
            return "This server answers to its loopback name only.\n"
        origin = environ.get("HTTP_ORIGIN", "")
        referer = environ.get("HTTP_REFERER", "")
        if (origin and _netloc(origin) != host) or (referer and _netloc(referer) != host):
            return "Requests from other origins are refused.\n"
        if environ.get("HTTP_SEC_FETCH_SITE", "none") not in ("none", "same-origin"):
            return "Requests from other origins are refused.\n"
        return ""


def _netloc(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


def _plain(start_response: StartResponse, status: int, text: str, headers: Headers | None = None) -> list[bytes]:
    body = text.encode("utf-8", "replace")
    fixed = [("Content-Type", "text/plain; charset=UTF-8"), ("Content-Length", str(len(body)))]
    start_response(_status(status), [*fixed, *(headers or [])])
    return [body]


def _status(code: int) -> str:
    return f"{code} {_REASONS.get(code, 'Error')}"


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _where(error: BaseException) -> str:
    """An exception's type and place without its message, which may quote a row."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return f"{type(error).__name__} at " + " < ".join(f"{f.name}:{f.lineno}" for f in reversed(frames))
