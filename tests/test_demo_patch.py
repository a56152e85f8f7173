"""Replies of a language model: what is read out of them, and what they lead to."""

from __future__ import annotations

import pytest

from genesis_ch.demo import patch

PARENT = "A = 1\nB = 2\n\n\ndef f():\n    return A\n\n\ndef g():\n    return A\n"
CHILD = PARENT.replace("A = 1", "A = 5").replace("def g():\n    return A", "def g():\n    return B")


def test_diff_leads_from_parent_to_child() -> None:
    reply = patch.write_diff("name_it", "Say why.", PARENT, CHILD)
    assert "<<<<<<< SEARCH" in reply
    assert patch.read(reply, PARENT) == patch.Patch("name_it", "Say why.", CHILD)


def test_full_program_replaces_the_parent() -> None:
    reply = patch.write_full("new", "Because.", CHILD)
    assert patch.read(reply, PARENT).code == CHILD
    assert patch.fenced(reply) == [CHILD]


def test_ambiguous_edit_is_worded_in_full() -> None:
    parent = "x = 1\n" * 40
    reply = patch.write_diff("n", "d", parent, parent.replace("x = 1\n", "y = 1\n", 1) + "x = 1\n")
    assert patch.read(reply, parent).code == "y = 1\n" + "x = 1\n" * 40


@pytest.mark.parametrize(("search", "places"), [("C = 3\n", "0 places"), ("    return A\n", "2 places")])
def test_search_text_must_fit_exactly_once(search: str, places: str) -> None:
    reply = f"<<<<<<< SEARCH\n{search}=======\nD = 4\n>>>>>>> REPLACE\n"
    with pytest.raises(patch.PatchError, match=places):
        patch.read(reply, PARENT)


def test_reply_without_code_is_refused() -> None:
    with pytest.raises(patch.PatchError, match="neither a program nor"):
        patch.read("I would rather not.", PARENT)
