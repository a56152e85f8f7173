"""One HTTP request as the ClickHouse protocol reads it: URL parameters, headers, form parts."""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from urllib.parse import parse_qsl

from .body import MAX_QUERY_BYTES, plain_chunks
from .errors import own_error

MAX_URL_FIELDS = 2000
DEFAULT_FORMAT = "TabSeparated"

# Parameters that belong to the protocol; every other one is a setting of the query.
_PROTOCOL_NAMES = frozenset(
    {
        "query",
        "database",
        "default_format",
        "query_id",
        "session_id",
        "session_timeout",
        "session_check",
        "close_session",
        "user",
        "password",
        "quota_key",
        "role",
        "compress",
        "decompress",
        "stacktrace",
        "buffer_size",
        "wait_end_of_query",
        "client_protocol_version",
        "http_connection_timeout",
        "http_send_timeout",
        "http_receive_timeout",
    }
)
_EXTERNAL_TAILS = ("_format", "_types", "_structure")
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?')
_PART_NAME = re.compile(rb'\bname="([^"]*)"')
_FORMAT_NAME = re.compile(r"\w{1,100}\Z", re.ASCII)
_PART_FILE = re.compile(rb'\bfilename="')


@dataclass(frozen=True, slots=True)
class ExternalTable:
    """Rows sent along with a query as a file part: a table of that name, for that query only."""

    name: str
    structure: str
    format: str
    data: bytes


@dataclass(slots=True)
class Request:
    """What a client asks for. Text that came percent-encoded keeps bytes that are no UTF-8 as surrogate escapes."""

    method: str
    query: bytes
    params: dict[str, str]
    settings: dict[str, str]
    bindings: dict[str, str]
    database: str
    default_format: str
    query_id: str
    session_id: str
    accept_encoding: str
    body: Iterator[bytes]
    abandoned: Callable[[], bool]
    external: list[ExternalTable] = field(default_factory=list)

    def flag(self, name: str) -> bool:
        """True if URL parameter `name` is 1 or true."""
        return self.params.get(name, "").lower() in ("1", "true")


def read_request(environ: dict[str, Any], max_body: int) -> Request:
    """Build a Request from a WSGI environment; QueryError for a form that this server does not read."""
    params = url_params(environ)
    for name in ("compress", "decompress"):
        if params.get(name, "0") not in ("0", "false", ""):
            raise own_error(
                48, f"{name}=1, ClickHouse's native block compression, is not offered; use Content-Encoding and "
                "Accept-Encoding with enable_http_compression=1"
            )  # fmt: skip
    source: BinaryIO = environ["wsgi.input"]
    body = plain_chunks(source, environ.get("HTTP_CONTENT_ENCODING", ""), max_body)
    files: dict[str, bytes] = {}
    content_type = environ.get("CONTENT_TYPE", "")
    if content_type.lower().startswith("multipart/form-data"):
        fields, files = _read_form(content_type, body)
        params.update(fields)
        body = iter(())
    return Request(
        method=environ["REQUEST_METHOD"],
        query=params.get("query", "").encode("utf-8", "surrogateescape"),
        params=params,
        settings=_settings(params, set(files)),
        bindings={name[6:]: value for name, value in params.items() if name.startswith("param_")},
        database=environ.get("HTTP_X_CLICKHOUSE_DATABASE") or params.get("database", ""),
        default_format=environ.get("HTTP_X_CLICKHOUSE_FORMAT") or params.get("default_format") or DEFAULT_FORMAT,
        query_id=params.get("query_id") or str(uuid.uuid4()),
        session_id=params.get("session_id", ""),
        accept_encoding=_accepted(environ, params),
        body=body,
        abandoned=environ.get("waitress.client_disconnected", lambda: False),
        external=[_external_table(name, data, params) for name, data in files.items()],
    )


def url_params(environ: dict[str, Any]) -> dict[str, str]:
    """The URL's parameters; of one given twice the last wins. QueryError 36 for more than MAX_URL_FIELDS."""
    try:
        pairs = parse_qsl(
            environ.get("QUERY_STRING", ""),
            keep_blank_values=True,
            errors="surrogateescape",
            max_num_fields=MAX_URL_FIELDS,
        )
    except ValueError:
        raise own_error(36, f"The URL has more than {MAX_URL_FIELDS} parameters") from None
    return dict(pairs)


def read_credentials(environ: dict[str, Any]) -> tuple[str, str] | None:
    """(user, password) from X-ClickHouse-User/-Key, basic authentication or the URL, in that order; None if absent."""
    if "HTTP_X_CLICKHOUSE_USER" in environ or "HTTP_X_CLICKHOUSE_KEY" in environ:
        return environ.get("HTTP_X_CLICKHOUSE_USER") or "default", environ.get("HTTP_X_CLICKHOUSE_KEY", "")
    scheme, _, encoded = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            plain = base64.b64decode(encoded, validate=True).decode("utf-8", "surrogateescape")
        except (binascii.Error, ValueError):
            return "", ""
        user, _, password = plain.partition(":")
        return user or "default", password
    params = url_params(environ)
    if "user" in params or "password" in params:
        return params.get("user") or "default", params.get("password", "")
    return None


def _settings(params: dict[str, str], files: set[str]) -> dict[str, str]:
    described = {name + tail for name in files for tail in _EXTERNAL_TAILS}
    return {
        name: value
        for name, value in params.items()
        if name not in _PROTOCOL_NAMES and name not in described and not name.startswith("param_")
    }


def _accepted(environ: dict[str, Any], params: dict[str, str]) -> str:
    wanted = params.get("enable_http_compression", "0").lower() in ("1", "true")
    return str(environ.get("HTTP_ACCEPT_ENCODING", "")) if wanted else ""


def _read_form(content_type: str, body: Iterator[bytes]) -> tuple[dict[str, str], dict[str, bytes]]:
    """Split multipart/form-data into plain fields and files, each by name."""
    match = _BOUNDARY.search(content_type)
    if match is None:
        raise own_error(36, "multipart/form-data without a boundary")
    data = b"".join((b"\r\n", *body))
    delimiter = b"\r\n--" + match.group(1).encode("latin-1")
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for part in data.split(delimiter)[1:]:
        if part.startswith(b"--"):
            break
        head, gap, content = part.partition(b"\r\n\r\n")
        name = _PART_NAME.search(head)
        if not gap or name is None:
            raise own_error(36, "multipart/form-data with a part that has no name")
        key = name.group(1).decode("utf-8", "surrogateescape")
        if _PART_FILE.search(head):
            files[key] = content
        elif len(content) > MAX_QUERY_BYTES:
            raise own_error(229, f"The form's field {key} is longer than {MAX_QUERY_BYTES} bytes")
        else:
            fields[key] = content.decode("utf-8", "surrogateescape")
    return fields, files


def _external_table(name: str, data: bytes, params: dict[str, str]) -> ExternalTable:
    structure = params.get(f"{name}_structure", "")
    if not structure:
        types = params.get(f"{name}_types", "")
        structure = ", ".join(f"_{place} {kind}" for place, kind in enumerate(types.split(","), 1) if kind)
    if not structure:
        raise own_error(36, f"External table {name!r} has neither {name}_structure nor {name}_types")
    data_format = params.get(f"{name}_format", DEFAULT_FORMAT)
    if not _FORMAT_NAME.match(data_format):
        raise own_error(73, f"Unknown format of external table {name!r}")
    return ExternalTable(name, structure, data_format, data)
