"""What queries may reach beyond the tables: nothing, unless the owner of the directory allows files or the network.

Three walls stand one behind the other. The engine's own access rights (`engine_config`): its user is granted what tables
need, no source of foreign data, and no table engine that is one. `Rights.check` refuses by their text what those
rights do not cover in an engine of this kind: INTO OUTFILE, FROM INFILE, databases of a foreign engine, disks of one's
own, ATTACH ... FROM, and the function file(). The kernel, on Linux (`fence`), holds where a text can be disguised.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

from .errors import QueryError, own_error

VARIABLE = "GENESIS_CH_SERVER_ALLOW"
BODY_VARIABLE = "GENESIS_CH_SERVER_MAX_BODY_MIB"
RESULT_VARIABLE = "GENESIS_CH_SERVER_MAX_RESULT_MIB"
MIB = 1024 * 1024
BODY_MIB = 1024
RESULT_MIB = 8192
MOST_MIB = 64 * 1024 * 1024
CURE = (
    "The embedded server lets queries reach no {what}; its owner allows it with `genesis-ch serve --allow-{option}` "
    f"or {VARIABLE}={{option}}"
)
HIDDEN_DATABASE = "_base"
"""The engine puts a view of the working directory's files into its default database: this one, which is then taken away."""

_NOWHERE = "/dev/null/none/"
# What is acknowledged is on the disk: writers then remove it from their outbox. Merges as well, because the engine
# removes the parts that it has merged at once.
_SYNCED = (
    "<merge_tree><fsync_after_insert>1</fsync_after_insert><fsync_part_directory>1</fsync_part_directory>"
    "<min_rows_to_fsync_after_merge>1</min_rows_to_fsync_after_merge></merge_tree>"
)
_GRANTS = (
    "CHECK, SHOW, SELECT, INSERT, ALTER, CREATE DATABASE, CREATE TABLE, CREATE VIEW, CREATE FUNCTION, "
    "CREATE TEMPORARY TABLE, DROP, UNDROP TABLE, TRUNCATE, OPTIMIZE, KILL QUERY, dictGet, SYSTEM MERGES, "
    "SYSTEM TTL MERGES, SYSTEM MOVES, SYSTEM CLEANUP, SYSTEM FLUSH, SYSTEM DROP CACHE, SYSTEM VIEWS, "
    "SYSTEM WAIT LOADING PARTS, SYSTEM SYNC REPLICA, SYSTEM JEMALLOC"
)
_OWN_GRANTS = "CREATE DICTIONARY, BACKUP, SYSTEM RELOAD"
_FILE_SOURCES = ("FILE", "SQLITE")
_NETWORK_SOURCES = (
    "URL", "REMOTE", "MONGO", "REDIS", "MYSQL", "POSTGRES", "ODBC", "JDBC", "HDFS", "S3", "HIVE", "AZURE", "KAFKA",
    "NATS", "RABBITMQ", "YTSAURUS", "ARROW_FLIGHT",
)  # fmt: skip
_TABLE_ENGINES = (
    "MergeTree", "ReplacingMergeTree", "SummingMergeTree", "AggregatingMergeTree", "CollapsingMergeTree",
    "VersionedCollapsingMergeTree", "CoalescingMergeTree", "GraphiteMergeTree", "Log", "TinyLog", "StripeLog",
    "Memory", "Null", "Set", "Join", "Buffer", "Merge", "View", "MaterializedView", "GenerateRandom", "Alias",
)  # fmt: skip
_DATABASE_ENGINES = ("Atomic", "Ordinary", "Memory")
# Settings by which a query could name a file, a disk, a second reading of its text, or a query inside a string.
_FILE_SETTINGS = (
    "format_schema", "format_template_row", "format_template_resultset", "merge_tree_disk",
    "allow_experimental_eval_table_function",
)  # fmt: skip
_ALWAYS_FIXED = ("dialect",)

_COMMENT = rb"/\*.*?\*/|--[^\n]*(?:\n|\Z)|\#[\ !][^\n]*(?:\n|\Z)"
_GAP = rb"(?:[^A-Za-z0-9_'\"`]|" + _COMMENT + rb")*"
_FILE_CLAUSE = re.compile(rb"(?:\binto" + _GAP + rb"outfile|\bfrom" + _GAP + rb"infile)", re.IGNORECASE | re.DOTALL)
_ATTACH = re.compile(rb"\battach\b", re.IGNORECASE)
_FROM_PATH = re.compile(rb"\bfrom" + _GAP + rb"'", re.IGNORECASE | re.DOTALL)
_DISK = re.compile(rb"\bdisk[\"`]?" + _GAP + rb"=?" + _GAP + rb"[\"`]?disk[\"`]?\s*\(", re.IGNORECASE | re.DOTALL)
_FILE_FUNCTION = re.compile(rb"(?<![.\w])[\"`]?file[\"`]?" + _GAP + rb"\(", re.DOTALL)
# A name handed to another function, a quoted name with an escape in it, which may be any name, and text that is evaluated.
_FILE_DISGUISED = re.compile(
    rb"\b(?i:apply|(?:array|map)\w*)" + _GAP + rb"[\"`]?file\b|`[^`]*\\[^`]*`|\"[^\"]*\\[^\"]*\"|"
    rb"\b(?i:format)" + _GAP + rb"\(" + _GAP + rb"(?i:values)\b",
    re.DOTALL,
)
_DENIED_SOURCE = re.compile(r"\b(?:READ|WRITE|TABLE ENGINE) ON (\w+)")
_NAME_AT_END = re.compile(r"(\s*\([A-Z_0-9]+\))?\s*\Z")


@dataclass(frozen=True, slots=True)
class Allow:
    """What the owner allows: files that this user can open, addresses that it can reach, sizes in bytes.

    `kernel` says that the kernel keeps files closed (`fence`), so that no text need be searched for the function file().
    `body` caps a request as it arrives and unpacked, `result` one result as it is formatted, before it is packed.
    """

    files: bool = False
    network: bool = False
    kernel: bool = False
    body: int = BODY_MIB * MIB
    result: int = RESULT_MIB * MIB

    def __str__(self) -> str:
        """As in GENESIS_CH_SERVER_ALLOW."""
        return ",".join(name for name in ("files", "network") if getattr(self, name)) or "nothing"


def read_allow(files: bool = False, network: bool = False) -> Allow:
    """Options and the environment together; ValueError for a word or a number that a variable does not take."""
    words = {word.strip().lower() for word in os.environ.get(VARIABLE, "").split(",")} - {""}
    if unknown := words - {"files", "network"}:
        raise ValueError(f"{VARIABLE} has {sorted(unknown)[0]!r}; it takes files, network or both with a comma between")
    return Allow(
        files or "files" in words,
        network or "network" in words,
        body=_read_mib(BODY_VARIABLE, BODY_MIB),
        result=_read_mib(RESULT_VARIABLE, RESULT_MIB),
    )


def _read_mib(variable: str, otherwise: int) -> int:
    text = os.environ.get(variable, "").strip()
    if not text:
        return otherwise * MIB
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_MIB:
        raise ValueError(f"{variable} is {text[:40]!r}; it takes a number of MiB from 1 to {MOST_MIB}")
    return int(text) * MIB


def engine_config(allow: Allow, own_path: str) -> str:
    """The engine's configuration as XML, for the file `own_path`: one user, with the rights that `allow` leaves it."""
    fixed = [*_ALWAYS_FIXED, *(() if allow.files else _FILE_SETTINGS)]
    constraints = "".join(f"<{name}><readonly/></{name}>" for name in fixed)
    grants = "".join(f"<query>{text}</query>" for text in _grants(allow))
    nowhere = "" if allow.files else "".join(
        f"<{name}>{_NOWHERE}</{name}>"
        for name in ("user_files_path", "format_schema_path", "user_scripts_path", "custom_local_disks_base_directory")
    )  # fmt: skip
    hosts = "" if allow.network else "<remote_url_allow_hosts></remote_url_allow_hosts>"
    return (
        f"<clickhouse><users_config>{own_path.replace('&', '&amp;').replace('<', '&lt;')}</users_config>"
        f"<default_database>{HIDDEN_DATABASE}</default_database>{nowhere}{hosts}{_SYNCED}"
        "<access_control_improvements><table_engines_require_grant>true</table_engines_require_grant>"
        "</access_control_improvements>"
        f"<profiles><default><constraints>{constraints}</constraints></default></profiles>"
        "<users><default><password></password><networks><ip>::/0</ip></networks><profile>default</profile>"
        f"<quota>default</quota><grants>{grants}</grants></default></users>"
        "<quotas><default></default></quotas></clickhouse>\n"
    )


class Rights:
    """What statements are held to beside the engine's rights. `engines`: every table and database engine there is."""

    def __init__(self, allow: Allow, engines: Iterable[str] = ()) -> None:
        self.allow = allow
        harmless = {*_DATABASE_ENGINES, *_TABLE_ENGINES}
        foreign = [name for name in engines if name not in harmless and not name.endswith("MergeTree")]
        names = "|".join(sorted(map(re.escape, foreign))).encode() or b"(?!)"
        # A quoted name may be spelt with escapes, so it counts as a foreign one.
        self._foreign = re.compile(
            rb"\bengine" + _GAP + rb"(?:(?:" + names + rb")\b|[\"`])", re.IGNORECASE | re.DOTALL
        )

    def check(self, sql: bytes, reads_only: bool = False) -> None:
        """Refuse by its text what the engine's rights do not cover; 344 for a file clause, 497 for the rest.

        Comments, case and line ends hide nothing. A text that only mentions such a thing in a string may be refused.
        """
        if not reads_only and _FILE_CLAUSE.search(sql):
            raise own_error(344, "INTO OUTFILE and FROM INFILE are not allowed over HTTP")
        # What only reads is left to the kernel, which knows a call from a string that mentions one.
        if not self.allow.files and not (self.allow.kernel and reads_only) and self._calls_file(sql):
            raise _denied("files", "the function file() reads a file")
        if reads_only:
            return
        if not (self.allow.files and self.allow.network) and self._foreign.search(sql):
            raise _denied("files,network", "a table or database of this engine lies elsewhere", "files or servers")
        if not self.allow.files and ((_ATTACH.search(sql) and _FROM_PATH.search(sql)) or _DISK.search(sql)):
            raise _denied("files", "ATTACH ... FROM and disks of a table's own name a directory")

    def _calls_file(self, sql: bytes) -> bool:
        if _FILE_FUNCTION.search(sql):
            return True
        return not self.allow.kernel and _FILE_DISGUISED.search(sql) is not None


def with_cure(error: QueryError) -> QueryError:
    """The same error with the option behind it that allows what was refused, if there is one."""
    source = _DENIED_SOURCE.search(error.text) if error.code == 497 else None
    if source is not None:
        option = "network" if source.group(1) in _NETWORK_SOURCES else "files"
    elif error.code == 452 and any(f"Setting {name} " in error.text for name in _FILE_SETTINGS):
        option = "files"
    elif error.code in (1, 481, 491):
        option = "network" if error.code == 491 else "files"
    elif "errno: 13," in error.text or "Permission denied" in error.text:
        option = "network" if "onnect" in error.text else "files"
    else:
        return error
    what = "files of their own choice" if option == "files" else "other servers"
    return _with(error, CURE.format(what=what, option=option))


def _with(error: QueryError, cure: str) -> QueryError:
    name = _NAME_AT_END.search(error.text)
    at = name.start() if name else len(error.text)
    return QueryError(error.code, f"{error.text[:at].rstrip('. ')}. {cure}{error.text[at:]}", error.status)


def _grants(allow: Allow) -> Iterable[str]:
    yield f"GRANT {_GRANTS} ON *.*"
    if allow.files and allow.network:
        yield f"GRANT {_OWN_GRANTS} ON *.*"
        yield "GRANT SOURCES ON *.*"
        yield "GRANT TABLE ENGINE ON *"
        return
    for name in _TABLE_ENGINES:
        yield f"GRANT TABLE ENGINE ON {name}"
    sources = (*(_FILE_SOURCES if allow.files else ()), *(_NETWORK_SOURCES if allow.network else ()))
    for name in sources:
        yield f"GRANT READ, WRITE ON {name}"
    engines = (*(("File", "SQLite") if allow.files else ()), *(("URL", "S3", "Remote") if allow.network else ()))
    for name in engines:
        yield f"GRANT TABLE ENGINE ON {name}"


def _denied(option: str, reason: str, what: str = "files of their own choice") -> QueryError:
    cure = CURE.format(what=what, option=option).replace("--allow-files,network", "--allow-files --allow-network")
    return own_error(497, f"Not allowed: {reason}. {cure}", 403)
