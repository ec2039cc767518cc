"""Questions that no view answers are refused in a sentence."""

from __future__ import annotations

from datetime import date

import pytest

from collector.cells.client import Store
from collector.cells.views import Grain
from collector.errors import QueryError, Unanswerable
from collector.stats.query import Filter, Period, Query
from tests.integration.queries import DAYS, ask, reports


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        (ask("visits", dimension="path"), "The view path does not count visits"),
        (ask("visitors", dimension="exit_path"), "The view exit_path does not count visitors"),
        (
            ask("visitors", dimension="city", filters=(Filter("path", ("/",)),)),
            "No view keeps path and city together",
        ),
        (ask("visitors", grain=Grain.MINUTE, filters=(Filter("path", ("/",)),)), "by minute"),
        (
            ask("visitors", Period(date(2026, 1, 1), DAYS.last), grain=Grain.HOUR),
            "the last 35 days",
        ),
        (ask("visitors", filters=(Filter("path", ("(other)",)),)), "no more is kept of it"),
        (ask("revenue", dimension="event"), "one currency"),
    ],
)
def test_what_no_view_can_say_is_refused_in_a_sentence(
    store: Store, question: Query, sentence: str
) -> None:
    """A question without a view is refused before the store is asked."""
    with pytest.raises(Unanswerable, match=sentence.replace("(", r"\(")):
        reports(store).ask(question)


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        (ask(""), "at least one metric"),
        (ask("hits"), "hits is no metric"),
        (ask("visitors", dimension="colour"), "colour is no dimension"),
        (ask("visitors", dimension="path", grain=Grain.DAY), "not for both"),
        (ask("visitors", dimension="path", limit=1001), "1 to 1000 rows"),
        (ask("visitors", dimension="path", page=0), "first is page 1"),
        (ask("visitors", Period(DAYS.last, DAYS.first)), "first day first"),
        (ask("visitors", filters=(Filter("path", ()),)), "names no value"),
    ],
)
def test_malformed_questions_are_refused(store: Store, question: Query, sentence: str) -> None:
    """What makes no sense is told to its asker."""
    with pytest.raises(QueryError, match=sentence):
        reports(store).ask(question)
