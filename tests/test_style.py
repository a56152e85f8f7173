"""Checks what style asks of csrc: banned functions, which file includes what, sizes, and a header for every source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cbuild import CSRC

BANNED = ("sprintf", "vsprintf", "strcpy", "strcat", "strtok", "atoi", "alloca", "gets")
FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 400
GENERATED = {"dtoa_pow10.h"}
NO_HEADER = {"py_module.c"}

# What may be used only in files of this name: (text searched for, pattern of file names).
ONLY_IN = (
    (r"#\s*include\s*[<\"]Python\.h", r"py_\w+\.[ch]"),
    (r"#\s*include\s*[<\"](structmember|datetime|frameobject)\.h", r"py_\w+\.[ch]"),
    (r"#\s*include\s*[<\"]curl/", r"transport\.c"),
    (r"#\s*include\s*[<\"](cjson/)?cJSON", r"json_read\.c"),
    (r"\bpthread_create\s*\(", r"thread\.c"),
)

SOURCES = sorted([*CSRC.glob("*.c"), *CSRC.glob("*.h")])
_COMMENT_OR_TEXT = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.MULTILINE)
_NAME = re.compile(r"(\w+)\s*\(")


def blank(match: re.Match[str]) -> str:
    """Keep the line breaks of what is taken out, so that line numbers stay."""
    return "\n" * match[0].count("\n") or " "


def code_of(text: str) -> str:
    """Return text without comments, strings and characters."""
    return _COMMENT_OR_TEXT.sub(blank, text)


def banned_calls(text: str) -> list[str]:
    """Return the banned functions that text calls."""
    return [name for name in BANNED if re.search(rf"\b{name}\s*\(", code_of(text))]


def forbidden_here(name: str, text: str) -> list[str]:
    """Return the patterns of ONLY_IN that text has although its file has another name."""
    text = re.sub(r"/\*.*?\*/", blank, text, flags=re.DOTALL)
    return [use for use, files in ONLY_IN if re.search(use, text) and not re.fullmatch(files, name)]


def top_level_blocks(code: str) -> Iterator[tuple[str, int]]:
    """Yield what stands before each outermost brace, and how many lines both take."""
    depth = 0
    start = 0
    opened = 0
    for place, char in enumerate(code):
        if char == "{":
            opened = place if depth == 0 else opened
            depth += 1
        elif char == "}":
            depth -= 1
        if depth == 0 and char in ";}":
            if char == "}":
                head = code[start:opened].strip()
                yield head, head.count("\n") + code.count("\n", opened, place) + 1
            start = place + 1


def function_lines(text: str) -> dict[str, int]:
    """Return the lines that each function of text takes, with its signature."""
    code = _DIRECTIVE.sub(blank, code_of(text))
    sizes = {}
    for head, lines in top_level_blocks(code):
        match = _NAME.search(head)
        if match is not None and "=" not in head:
            sizes[match[1]] = lines + 1
    return sizes


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_source(path: Path) -> None:
    """One file keeps all the rules."""
    text = path.read_text()
    assert banned_calls(text) == []
    assert forbidden_here(path.name, text) == []
    assert {name: lines for name, lines in function_lines(text).items() if lines > FUNCTION_LINES_MAX} == {}
    if path.name not in GENERATED:
        assert text.count("\n") <= FILE_LINES_MAX


def test_every_source_has_a_header() -> None:
    """A newcomer finds the manual of x.c in x.h."""
    names = {path.name for path in SOURCES}
    lonely = {name for name in names if name.endswith(".c") and name[:-1] + "h" not in names}
    assert lonely - NO_HEADER == set()


def test_there_are_sources() -> None:
    """An empty list would make all of the above pass."""
    assert len(SOURCES) > 20


def test_banned_calls_are_seen() -> None:
    """Calls are found, words in comments and strings and longer names are not."""
    assert banned_calls("x = atoi (text);\nstrcpy(a, b);") == ["strcpy", "atoi"]
    assert banned_calls('/* strcpy(a) */ puts("sprintf(x)"); snprintf(a, 1, b); my_atoi(c); // strcat(a, b)') == []


def test_forbidden_uses_are_seen() -> None:
    """Each rule bites in a wrong file and not in the right one."""
    rows = [
        ("#include <Python.h>", "row.c", "py_row.c"),
        ('#  include "Python.h"', "row.h", "py_row.h"),
        ("#include <curl/curl.h>", "transport.h", "transport.c"),
        ("#include <cjson/cJSON.h>", "py_json.c", "json_read.c"),
        ("rc = pthread_create(&id, NULL, main, NULL);", "sender.c", "thread.c"),
    ]
    for text, wrong, right in rows:
        assert len(forbidden_here(wrong, text)) == 1, text
        assert forbidden_here(right, text) == [], text
    assert forbidden_here("a.c", "/* pthread_create() is in thread.c */") == []


def test_function_lines_are_counted() -> None:
    """The signature counts, and structs, tables, macros and declarations are no functions."""
    text = (
        "struct a {\n    int b;\n};\n#define X(y) \\\n    {           \\\n        y;      \\\n    }\n"
        "static const int table[] = {\n    1,\n};\nint declared(int a);\n"
        "/* { */\nstatic int short_one(int a,\n    int b)\n{\n"
        "    if (a) {\n        return '{';\n    }\n    return b;\n}\n"
        "int next_one(void)\n{\n" + "    call();\n" * 70 + "}\n"
    )
    assert function_lines(text) == {"short_one": 8, "next_one": 73}
