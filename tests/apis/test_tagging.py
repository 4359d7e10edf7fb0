"""The tagging standard alone: what its pattern means, and how it is said."""

import re
import time
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apis.tagging import Standard, fits, how_many, in_words, is_like, problems

LETTERS = st.text("ab-.{}[?\\", max_size=8)
PATTERNS = st.text("ab-.{}[?\\*", max_size=8)


@given(LETTERS, PATTERNS)
def test_a_star_is_any_text_and_nothing_else_means_anything(tag: str, pattern: str) -> None:
    as_expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    assert is_like(tag, pattern) == bool(re.fullmatch(as_expression, tag, re.DOTALL))


@given(LETTERS, st.text("ab*", max_size=8))
def test_it_is_as_the_patterns_of_file_names_are(tag: str, pattern: str) -> None:
    assert is_like(tag, pattern) == fnmatchcase(tag, pattern)


@given(st.lists(LETTERS, min_size=1, max_size=4))
def test_what_a_pattern_is_made_of_is_like_it(parts: list[str]) -> None:
    assert is_like("".join(parts), "*".join(parts))


def test_no_pattern_takes_long() -> None:
    started = time.process_time()
    assert not is_like("a" * 60 + "b", "*a" * 50 + "c")
    assert time.process_time() - started < 0.05


@pytest.mark.parametrize(
    ("standard", "sentence"),
    [
        (Standard(), ""),
        (Standard("{slug}-*"), "The tagging standard: each like acme-*."),
        (Standard("", ("gold",)), "The tagging standard: each gold."),
        (Standard("{slug}-*", ("gold", "silver")), "The tagging standard: each like acme-* or one of gold, silver."),
        (Standard("{slug}", (), 1), "The tagging standard: at least 1 tag, each like acme."),
        (Standard("", (), 1, 3), "The tagging standard: 1 to 3 tags."),
        (Standard("", (), 2, 2), "The tagging standard: 2 tags."),
        (Standard("", (), 0, 1), "The tagging standard: at most 1 tag."),
        (Standard("", (), 0, 0), "The tagging standard: no tags."),
        (
            Standard("", tuple("abcdefghijkl")),
            "The tagging standard: each one of a, b, c, d, e, f, g, h, i, j and 2 more.",
        ),
    ],
)
def test_a_standard_is_said_in_words(standard: Standard, sentence: str) -> None:
    assert in_words(standard.of("acme")) == sentence


def test_how_many_is_said_alone() -> None:
    assert (how_many(Standard()), how_many(Standard(least=2))) == ("", "at least 2 tags")


def found(tags: list[str], standard: Standard, *hidden: str) -> list[tuple[str, tuple[str | int, ...]]]:
    return [(problem.message, problem.path) for problem in problems(tags, standard.of("acme"), hidden=hidden)]


def test_each_tag_that_does_not_follow_is_named_by_its_place() -> None:
    standard = Standard("{slug}-*", ("gold", "silver"))
    assert found(["acme-eu", "gold", "Acme-eu", "globex-eu"], standard) == [
        ("tags.2 must be like acme-* or one of gold, silver, by the tagging standard.", ("tags", 2)),
        ("tags.3 must be like acme-* or one of gold, silver, by the tagging standard.", ("tags", 3)),
    ]


def test_hidden_tags_are_allowed_as_before_and_told_to_nobody() -> None:
    standard = Standard("", ("gold", "globex-eu"))
    assert found(["x"], standard, "globex-eu") == [("tags.0 must be gold, by the tagging standard.", ("tags", 0))]
    assert in_words(standard, hidden=["globex-eu"]) == "The tagging standard: each gold."
    assert found(["x"], Standard("", ("globex-eu",)), "globex-eu") == [
        ("tags.0 must be one that is available, by the tagging standard.", ("tags", 0))
    ]


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ([], "tags must be at least 1, by the tagging standard."),
        (["a"], ""),
        (["a", "b"], ""),
        (["a", "a", "b"], ""),
        (["a", "b", "c"], "tags must be at most 2, by the tagging standard."),
    ],
)
def test_different_tags_are_counted(tags: list[str], message: str) -> None:
    assert found(tags, Standard(least=1, most=2)) == ([(message, ("tags",))] if message else [])


@given(st.lists(LETTERS, max_size=5), PATTERNS, st.lists(LETTERS, max_size=3), st.integers(0, 3), st.integers(0, 3))
def test_there_is_a_problem_for_just_what_does_not_fit(
    tags: list[str], pattern: str, allowed: list[str], least: int, most: int
) -> None:
    standard = Standard(pattern, tuple(allowed), least, max(least, most))
    places = [problem.path for problem in problems(tags, standard)]
    counted = [] if least <= len(set(tags)) <= max(least, most) else [("tags",)]
    assert places == [*counted, *(("tags", at) for at, tag in enumerate(tags) if not fits(tag, standard))]
