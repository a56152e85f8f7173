"""Lists in the documents are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from genesis_ch import ch_logger
from genesis_ch._core import OPTIONS, TABLES

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "csrc" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def rows(document: str) -> list[list[str]]:
    lines = (ROOT / document).read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]


def test_every_option_is_in_configuration_md() -> None:
    found = [row for row in rows("docs/configuration.md") if len(row) == 4 and row[1].startswith("`")]
    assert found == [[f"`{name}`", f"`{env}`", f"`{value}`" if value else "", meaning] for name, env, value, meaning in OPTIONS]


def test_every_counter_is_in_operations_md() -> None:
    counters = re.findall(r'X\((\w+),\s+"([^"]+)"', (ROOT / "csrc" / "counters.h").read_text(encoding="utf-8"))
    assert rows("docs/operations.md") == [[f"`{name}`", what] for name, what in counters]
    assert {name for name, _ in counters} <= ch_logger.stats().keys()


def test_every_statistic_is_named_in_operations_md() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert [name for name in ch_logger.stats() if f"`{name}`" not in text] == []


def test_every_source_is_on_the_architecture_page() -> None:
    page = (ROOT / "csrc" / "README.md").read_text(encoding="utf-8")
    words = set(re.findall(r"\w+", page))
    assert [path.stem for path in sorted((ROOT / "csrc").glob("*.c")) if path.stem not in words] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_paths_named_in_the_documents_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    named = re.findall(r"\b((?:docs|csrc|sql|tests|bench|examples|tools)/[\w./-]*\w)", text)
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_column_is_in_tables_md() -> None:
    listed = [[column[0].strip("`"), column[1]] for column in rows("docs/tables.md")]
    assert listed == [[name, kind] for columns in TABLES.values() for name, kind in columns if name != "_ts"]


def test_every_table_says_what_a_row_is() -> None:
    text = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\w+)\n\nA row [^\n]+\.\n\nKey: ", text, re.MULTILINE) == list(TABLES)
