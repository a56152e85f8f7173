"""The runner's own database: programs in one SQLite file, so that a run can be resumed."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from dataclasses import asdict
from pathlib import Path
from typing import Any

from genesis_ch.demo.population import Individual

_SCHEMA = """
CREATE TABLE IF NOT EXISTS programs (generation INTEGER, id TEXT PRIMARY KEY, fields TEXT);
CREATE TABLE IF NOT EXISTS generations (generation INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS settings (fields TEXT);
"""


class Store:
    """One file per run. A generation is written as a whole or not at all."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._database = sqlite3.connect(path)
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def settings(self) -> dict[str, Any] | None:
        """Return the settings that the run began with, None when it has not begun."""
        row = self._database.execute("SELECT fields FROM settings").fetchone()
        return dict(json.loads(row[0])) if row else None

    def begin(self, settings: dict[str, Any]) -> None:
        """Keep the settings of a run that begins."""
        with self._database:
            self._database.execute("INSERT INTO settings VALUES (?)", [json.dumps(settings)])

    def save(self, generation: int, individuals: list[Individual]) -> None:
        """Keep a finished generation."""
        rows = [(generation, one.id, json.dumps(asdict(one))) for one in individuals]
        with self._database:
            self._database.executemany("INSERT OR REPLACE INTO programs VALUES (?, ?, ?)", rows)
            self._database.execute("INSERT OR REPLACE INTO generations VALUES (?)", [generation])

    def generations(self) -> list[list[Individual]]:
        """Return the finished generations, each as it was saved."""
        done = self._database.execute("SELECT generation FROM generations ORDER BY 1").fetchall()
        return [self._generation(number) for (number,) in done]

    def _generation(self, number: int) -> list[Individual]:
        rows = self._database.execute("SELECT fields FROM programs WHERE generation = ? ORDER BY rowid", [number])
        return [Individual(**json.loads(fields)) for (fields,) in rows]


def is_unfinished(path: Path) -> bool:
    """Whether the file holds a run that began and did not reach its last generation."""
    try:
        with contextlib.closing(Store(path)) as store:
            settings = store.settings()
            return settings is not None and len(store.generations()) < settings["generations"]
    except sqlite3.Error:
        return False
