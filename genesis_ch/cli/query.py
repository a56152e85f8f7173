"""`genesis-ch query`: ask one of the questions of sql/queries."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from genesis_ch.cli import screen, store, trouble

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client
    from rich.table import Table

    from genesis_ch.queries import Query

FORMATS = {
    "csv": "CSVWithNames",
    "tsv": "TabSeparatedWithNames",
    "json": "JSONEachRow SETTINGS output_format_json_array_of_rows = 1",
    "jsonl": "JSONEachRow",
    "markdown": "Markdown",
    "vertical": "Vertical",
}
RUN = "run_id"
WIDEST = 60
_LATEST = """
SELECT run_id
FROM evolution_runs
ORDER BY start_time DESC
LIMIT 1
"""
_BEGINNING = """
SELECT run_id
FROM evolution_runs
WHERE startsWith(run_id, {beginning:String})
ORDER BY
    run_id != {beginning:String},
    start_time DESC
LIMIT 5
"""


@click.command("query", short_help="Ask a question about what was recorded.")
@click.argument("name", required=False)
@click.option("--param", "-p", "given", multiple=True, metavar="NAME=VALUE", help="A parameter of the query; repeat it for several.")
@click.option("--format", "form", type=click.Choice(["table", *FORMATS]), default="table", show_default=True, help="How to print the answer.")
@click.option("--sql", is_flag=True, help="Print the file of the query instead.")
@store.path_option
@click.option("--timeout", type=click.FloatRange(min=0), default=60.0, show_default=True, help="Seconds to reach the server.")
def command(name: str | None, given: tuple[str, ...], form: str, sql: bool, path: Path | None, timeout: float) -> None:
    """Ask the question NAME; without a NAME, list all questions.

    A run_id may be given by its beginning; left out where the query needs one, it is that of the run that
    started last. Of a parameter that is an array, commas divide the elements.
    """
    from genesis_ch import queries

    if name is None:
        _list()
        return
    try:
        query = queries.describe(name)
        if sql:
            screen.say(query.text.rstrip())
            return
        parameters = _split(given)
        query.values({RUN: "", **parameters} if _wants_run(query) else parameters)
    except (LookupError, TypeError, ValueError) as error:
        raise click.UsageError(str(error)) from None
    client = _client(path, timeout)
    values = query.values(_with_run(client, query, parameters))
    try:
        answer = _table(client, query, values) if form == "table" else _raw(client, query, values, form)
    except Exception as error:  # whatever clickhouse-connect, its HTTP library or the server raises
        _fail(error)
    if isinstance(answer, bytes):
        click.echo(answer, nl=False)
    else:
        screen.console().print(answer)


def _list() -> None:
    """Every question, with the parameters that it must be given."""
    from genesis_ch import queries

    known = [queries.describe(name) for name in queries.names()]
    width = max(len(query.name) for query in known)
    for query in known:
        needs = "".join(f" {p.name}" for p in query.parameters if p.required and p.name != RUN)
        screen.say(f"{query.name:<{width}}  {query.question}{f'  needs{needs}' if needs else ''}")


def _split(given: tuple[str, ...]) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or name in parameters:
            raise ValueError(f"--param {text}: {'it is there twice' if sign else 'write NAME=VALUE'}")
        parameters[name] = value
    return parameters


def _wants_run(query: Query) -> bool:
    return any(parameter.name == RUN and parameter.required for parameter in query.parameters)


def _client(path: Path | None, timeout: float) -> Client:
    from genesis_ch import ConnectError

    logger = store.open_logger(path)
    try:
        logger.connect(timeout=timeout)
    except ConnectError as error:
        screen.fail(f"Nothing was asked: {error.reason}", trouble.cures(error.kind))
        sys.exit(1)
    client = logger.client
    if client is None:
        screen.fail(trouble.NO_CLIENT, trouble.NO_CLIENT_CURES)
        sys.exit(1)
    return client


def _with_run(client: Client, query: Query, parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters with the run's whole id. What was put in its place is told on standard error."""
    if not any(parameter.name == RUN for parameter in query.parameters):
        return parameters
    written = str(parameters.get(RUN, ""))
    if not written and not _wants_run(query):
        return parameters
    try:
        rows = client.query(_BEGINNING if written else _LATEST, parameters={"beginning": written} if written else None).result_rows
    except Exception as error:  # as above
        _fail(error)
    found = [str(row[0]) for row in rows]
    if not found and not written:
        screen.fail("No run was recorded, so there is no latest one", trouble.NO_DATA_CURES)
        sys.exit(1)
    if not found:
        click.echo(f"no run_id begins with {written}: it is used as it is", err=True)
        return parameters
    if len(found) > 1 and written and found[0] != written:
        raise click.UsageError(f"run_id {written} is the beginning of several: {', '.join(found)}{', ...' if len(found) == 5 else ''}")
    if found[0] != written:
        click.echo(f"run_id={found[0]}", err=True)
    return {**parameters, RUN: found[0]}


def _table(client: Client, query: Query, values: dict[str, Any]) -> Table | str:
    from genesis_ch.queries import SETTINGS

    result = client.query(query.statement, values, settings=SETTINGS)
    rows = [[_cell(value) for value in row] for row in result.result_rows]
    return screen.table(result.column_names, rows) if rows else "no rows"


def _raw(client: Client, query: Query, values: dict[str, Any], form: str) -> bytes:
    from genesis_ch.queries import SETTINGS

    return client.raw_query(query.statement, values, settings=SETTINGS, fmt=FORMATS[form])


def _cell(value: Any) -> str:
    """A value for a table: short enough that the others can be seen too."""
    if value is None:
        return ""
    text = f"{value:.6g}" if isinstance(value, float) else " ".join(str(value).split())
    return text if len(text) <= WIDEST else text[: WIDEST - 3] + "..."


def _fail(error: Exception) -> NoReturn:
    from genesis_ch._client import words_of

    screen.fail(f"The query failed: {words_of(error)}")
    sys.exit(1)
