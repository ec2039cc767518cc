"""Declare how small a cell may be, per profile and view.

Sealing, queries about open days, the privacy notice, the audit and docs/metrics.md all use it.
"""

from __future__ import annotations

from dataclasses import dataclass

from collector.cells.views import (
    DIMENSIONS,
    TOTAL,
    VIEWS,
    Grain,
    MeasureGroup,
    Scope,
    View,
    Vocabulary,
    measures,
    view_for,
)

NEVER = 2**31 - 1
"""The threshold of cells that are never listed, whatever their number of visitors."""

CONTINUOUS_SUMS = ("visit_seconds", "engaged_ms", "scroll_percent", "revenue")
"""Sums precise enough to identify a visitor; suppressed in small cells, kept in the totals."""

THIN_DAY_KEEPS = ("path", "source")
"""The dimensions that a site-day with very few visitors keeps, besides its totals."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How small a cell may be, in visitors; below it a value is folded into "(other)".

    Attributes:
        name: `standard` or `strict`.
        closed: for dimensions whose values come from a short list, and for known values.
        open: for dimensions whose values visitors or other sites choose.
        city: for cities.
        hour: for hour cells other than totals.
        pair: for pairs of dimensions.
        thin_day: below it a site-day keeps totals, paths and sources only.
        thin_hour: below it a site-hour keeps totals only.
        small_sums: below it a cell keeps counts, but no `CONTINUOUS_SUMS`.
        averaged: below it a cell of a visit's dimension has the average counts of such cells.
        snapshot_seconds: how long queries about open days read the same snapshot; 0 if they read
            the live cells.
        thin_while_open: whether an open day or hour counts as thin before it is over.
    """

    name: str
    closed: int
    open: int
    city: int
    hour: int
    pair: int
    thin_day: int
    thin_hour: int
    small_sums: int
    averaged: int
    snapshot_seconds: int
    thin_while_open: bool


STANDARD = Profile(
    name="standard",
    closed=1,
    open=3,
    city=5,
    hour=3,
    pair=3,
    thin_day=3,
    thin_hour=5,
    small_sums=5,
    averaged=3,
    snapshot_seconds=0,
    thin_while_open=False,
)
STRICT = Profile(
    name="strict",
    closed=1,
    open=10,
    city=NEVER,
    hour=10,
    pair=10,
    thin_day=10,
    thin_hour=10,
    small_sums=10,
    averaged=10,
    snapshot_seconds=300,
    thin_while_open=True,
)
PROFILES: dict[str, Profile] = {profile.name: profile for profile in (STANDARD, STRICT)}
"""Profiles from the loosest to the strictest. Source: docs/design/0007-folding.md."""


def profile_of(name: str) -> Profile:
    """Return a profile; an unknown name gives the strictest one."""
    return PROFILES.get(name, STRICT)


def open_table(profile: str) -> str:
    """Return the table that queries about a site's open days read."""
    return "snapshot_cells" if profile_of(profile).snapshot_seconds else "open_cells"


def threshold(profile: Profile, view: View, grain: Grain = Grain.DAY) -> int:
    """Return how many visitors a cell needs to be listed, unless its value is a known one.

    A pair needs at least as many as either of its members; totals need none.
    """
    if not view.dimensions:
        return 0
    least = max(_of_vocabulary(profile, name) for name in view.dimensions)
    if len(view.dimensions) > 1:
        least = max(least, profile.open if is_hierarchy(view) else profile.pair)
    return max(least, profile.hour) if grain is Grain.HOUR else least


def known_values_stay(view: View, grain: Grain = Grain.DAY) -> bool:
    """Return whether a view lists known values (and "(none)") from the threshold `closed` on.

    Known are the named sources and the site's own paths and host names.
    """
    return grain is Grain.DAY and len(view.dimensions) == 1


def is_hierarchy(view: View) -> bool:
    """Return whether a view's values are folded within a parent: `DE-BE` within `DE`."""
    return bool(view.dimensions) and bool(DIMENSIONS[view.dimensions[-1]].parent)


def is_table(view: View) -> bool:
    """Return whether a view is a pair without stored "(other)": it is marginal minus listed."""
    return len(view.dimensions) == 2 and not is_hierarchy(view)


def survives_thin_day(view: View) -> bool:
    """Return whether a site-day with very few visitors keeps this view's values."""
    return not view.dimensions or view.dimensions in {(name,) for name in THIN_DAY_KEEPS}


def folds_by_visits(view: View) -> bool:
    """Return whether a view has no visitors and is folded by its visits."""
    return MeasureGroup.VISITORS not in measures(view)


def averages_few(view: View) -> bool:
    """Return whether a view's smallest cells are averaged, as in the lists of visit dimensions.

    One visitor's counts are the same in each of these lists, which would link their cells.
    """
    names = view.dimensions
    return not is_table(view) and bool(names) and DIMENSIONS[names[0]].scope is Scope.VISIT


def marginals(view: View) -> tuple[View | None, View | None]:
    """Return the views of a pair's two members; None where a member has no view."""
    first, second = map(view_for, view.dimensions)
    return first, second


def parent_view(view: View) -> View | None:
    """Return the view of a hierarchy's parent dimension."""
    return view_for(DIMENSIONS[view.dimensions[-1]].parent) if is_hierarchy(view) else None


def foldable_views() -> tuple[View, ...]:
    """List every view but the total."""
    return tuple(view for view in VIEWS if view is not TOTAL)


def _of_vocabulary(profile: Profile, dimension: str) -> int:
    return {
        Vocabulary.CLOSED: profile.closed,
        Vocabulary.KNOWN: profile.open,
        Vocabulary.OPEN: profile.open,
        Vocabulary.PRECISE: profile.city,
    }[DIMENSIONS[dimension].vocabulary]
