"""Answers stand for as long as a profile says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from collector.errors import QueryError
from collector.stats import standing
from collector.stats.standing import Standing


def test_an_answer_stands_until_its_stretch_of_time_is_over() -> None:
    """It is found once for each stretch, however often it is asked."""
    answers = iter("abc")
    stands = Standing()

    found = [stands.answer("q", 300, now, lambda: next(answers)) for now in (0, 1, 299, 300, 600)]

    assert found == ["a", "a", "a", "b", "c"]


def test_without_a_time_to_stand_every_answer_is_new() -> None:
    """Zero seconds is not at all."""
    answers = iter("ab")
    stands = Standing()

    assert [stands.answer("q", 0, 5.0, lambda: next(answers)) for _ in range(2)] == ["a", "b"]


def test_each_question_has_its_own_answer() -> None:
    """One answer does not stand for another question."""
    stands = Standing()

    assert [stands.answer(q, 300, 5.0, q.upper) for q in "abab"] == list("ABAB")


def test_when_too_many_answers_stand_a_new_question_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A standing answer is never given up early, for asking it again would tell."""
    monkeypatch.setattr(standing, "MOST_ANSWERS", 2)
    answers = iter("abcd")
    stands = Standing()
    for question in "12":
        stands.answer(question, 300, 5.0, lambda: next(answers))

    with pytest.raises(QueryError, match="ask again in 300 seconds"):
        stands.answer("3", 300, 6.0, lambda: next(answers))

    assert stands.answer("1", 300, 7.0, lambda: next(answers)) == "a"
    assert stands.answer("3", 300, 301.0, lambda: next(answers)) == "c"


def test_two_who_ask_at_once_get_the_same_answer() -> None:
    """Of two answers found at the same time, one stands for both."""
    both_found = Barrier(2)
    stands = Standing()

    def find() -> object:
        both_found.wait(timeout=10)
        return object()

    with ThreadPoolExecutor(2) as threads:
        found = [threads.submit(stands.answer, "q", 300, 5.0, find) for _ in range(2)]

    assert found[0].result() is found[1].result()
