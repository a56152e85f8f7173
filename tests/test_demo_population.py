"""The archive and the Pareto front."""

from __future__ import annotations

import random

from genesis_ch.demo.population import Archive, Individual, pareto_front


def individual(name: str, score: float, size: int, error: str | None = None) -> Individual:
    code = name.ljust(size, "#")
    return Individual(name, 0, "", "init", "", code, score=score, error=error)


def test_front_keeps_what_no_other_beats_in_both_objectives() -> None:
    best, short, middle = individual("a", 2.0, 90), individual("b", 1.0, 30), individual("c", 1.5, 60)
    beaten, twin, wrong = individual("d", 1.4, 61), individual("e", 2.0, 91), individual("f", 0.0, 10, "no")
    assert pareto_front([beaten, short, wrong, best, twin, middle]) == [best, middle, short]
    assert pareto_front([wrong]) == []


def test_archive_keeps_the_best_once() -> None:
    archive = Archive(2)
    low, high, middle = individual("a", 1.0, 9), individual("b", 3.0, 9), individual("c", 2.0, 9)
    assert archive.add(low) and archive.add(high) and archive.add(middle)
    assert archive.members == [high, middle]
    assert not archive.add(low)
    assert not archive.add(individual("b", 4.0, 9))
    assert not archive.add(individual("d", 9.0, 9, "overlap"))
    assert archive.members == [high, middle]


def test_closest_is_the_member_with_most_lines_in_common() -> None:
    archive = Archive(5)
    assert archive.closest("x") == ""
    for name, code in (("a", "1\n2\n3\n"), ("b", "1\n2\n9\n"), ("c", "7\n8\n9\n")):
        archive.add(Individual(name, 0, "", "init", "", code))
    assert archive.closest("1\n9\n2\n5\n") == "1\n2\n9\n"
    twin = Individual("d", 0, "", "init", "", "5\n")
    assert archive.closest("5\n", [twin]) == "5\n"


def test_parents_are_mostly_good_ones() -> None:
    archive = Archive(10)
    for n in range(10):
        archive.add(individual(f"i{n}", float(n), 20))
    rng = random.Random(1)
    chosen = [archive.parent(rng, []).score for _ in range(400)]
    assert sum(chosen) / len(chosen) > 5.5
    assert archive.inspiration(rng, archive.members[0]) is not archive.members[0]
