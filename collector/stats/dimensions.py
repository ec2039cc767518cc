"""Choose the view that answers a set of dimensions, or say in a sentence why none does.

Pure: reads the declarations of `cells.views`, knows no SQL. Called by `plan`,
and by `parameters` for the names that Plausible's reading API uses.
"""

from __future__ import annotations

from collections.abc import Iterable

from collector.cells.views import DIMENSIONS, VIEWS, MeasureGroup, Scope, View, measures, view_for
from collector.errors import QueryError, Unanswerable
from collector.stats.metrics import METRICS, WORDS

PROPERTIES: dict[str, str] = {
    "event:page": "path",
    "event:hostname": "hostname",
    "event:name": "event",
    "event:goal": "goal",
    "event:search_query": "search_query",
    "event:currency": "currency",
    "visit:entry_page": "entry_path",
    "visit:exit_page": "exit_path",
    **{
        f"visit:{name}": name
        for name, dimension in DIMENSIONS.items()
        if dimension.scope is Scope.VISIT and name != "entry_path"
    },
}
"""Plausible's names of what one groups or filters by, two of ours, and our dimensions."""

_PARTIAL = frozenset({"event", "property", "search_query", "goal", "currency", "exit_path"})


def is_partial(name: str) -> bool:
    """Tell whether some hits have no value of a dimension, so that its parts are not the total."""
    return name in _PARTIAL


def view_of(names: Iterable[str]) -> View:
    """Find the view that keeps cells of exactly these dimensions.

    Raises:
        QueryError: if a name is no dimension.
        Unanswerable: if no view keeps them together; names those that are kept.
    """
    asked = tuple(dict.fromkeys(names))
    for name in asked:
        if name not in DIMENSIONS:
            raise QueryError(f"{name} is no dimension; there are {_listed(DIMENSIONS)}.")
    if len(asked) > 2:
        raise Unanswerable(
            f"{_listed(asked)} cannot be asked together: cells of more than two dimensions "
            "would single people out, so none are kept."
        )
    view = view_for(*asked)
    if view is None:
        raise Unanswerable(_no_view(asked))
    return view


def check_measurable(view: View, metrics: Iterable[str]) -> None:
    """Make sure that the cells of a view can say some metrics.

    Raises:
        QueryError: if a name is no metric.
        Unanswerable: if the view cannot say one; says what it can.
    """
    known = measures(view)
    for name in metrics:
        if name not in METRICS:
            raise QueryError(f"{name} is no metric; there are {_listed(METRICS)}.")
        if not METRICS[name].needs & known:
            raise Unanswerable(
                f"{_named(view)} cannot say {name}: its cells count "
                f"{_listed(WORDS[word] for word in MeasureGroup if word & known)}."
            )
        if name == "revenue" and "currency" not in view.dimensions:
            raise Unanswerable(
                "revenue needs one currency: ask for it by event with a filter on currency "
                "(event:currency in the reading API)."
            )


def partners(name: str) -> tuple[str, ...]:
    """List the dimensions that a dimension is kept together with, in the order of declaration."""
    return tuple(
        other
        for view in VIEWS
        if name in view.dimensions
        for other in view.dimensions
        if other != name
    )


def _no_view(asked: tuple[str, ...]) -> str:
    if len(asked) == 1:
        name = asked[0]
        return f"No view keeps {name} by itself; it is kept with {_listed(partners(name))}."
    one, two = asked
    sentences = [f"No view keeps {one} and {two} together."]
    for name in asked:
        with_it = partners(name)
        sentences.append(
            f"With {name} can be asked: {_listed(with_it)}."
            if with_it
            else f"{name} is kept by itself only."
        )
    return " ".join(sentences)


def _named(view: View) -> str:
    return f"The view {view.name}" if view.dimensions else "The total"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)
