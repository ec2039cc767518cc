"""Say how small a cell may be kept: one table, from which behaviour, notice and docs come.

Pure; knows views and profiles, not ClickHouse. Called by `folding` when a day
is sealed, by the report while it is open, by the notice and by the audit.
"""

from __future__ import annotations

from dataclasses import dataclass

from collector.cells.views import (
    DIMENSIONS,
    TOTAL,
    VIEW_BY_DIMENSIONS,
    VIEWS,
    Grain,
    MeasureGroup,
    Scope,
    View,
    Vocabulary,
    measures,
)

NEVER = 2**31 - 1
"""The threshold of what no number of visitors makes visible."""

CONTINUOUS_SUMS = ("visit_seconds", "engaged_ms", "scroll_percent", "revenue")
"""Sums fine enough to name a visitor; small cells drop them, the totals keep them."""

THIN_DAY_KEEPS = ("path", "source")
"""The dimensions that a site-day of very few visitors keeps apart from its totals."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How small a cell may be, in visitors; below it a value is folded into "(other)".

    Attributes:
        name: `standard` or `strict`.
        closed: of dimensions whose values come from a short list, and of known values.
        open: of dimensions whose values visitors or other sites choose.
        fine: of cities.
        hour: of hour cells other than totals.
        pair: of pairs of dimensions.
        thin_day: below it a site-day keeps totals, paths and sources only.
        thin_hour: below it a site-hour keeps totals only.
        small_sums: below it a cell keeps counts, but no `CONTINUOUS_SUMS`.
        averaged: below it a cell of a visit's dimension tells the average counts of such cells.
        snapshot_seconds: how long a picture of open days stands, from which all questions about
            them are answered; 0 if they are answered as the days are.
        thin_while_open: whether an open day or hour counts as thin before it is over.
    """

    name: str
    closed: int
    open: int
    continuous: int
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
    continuous=5,
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
    continuous=NEVER,
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
"""Profiles from the loosest to the tightest. Source: docs/design/0007-folding.md."""


def profile_of(name: str) -> Profile:
    """Find a profile; a name that is not known counts as the tightest."""
    return PROFILES.get(name, STRICT)


def open_table(profile: str) -> str:
    """Name the table from which questions about a site's open days are answered."""
    return "snapshot_cells" if profile_of(profile).snapshot_seconds else "open_cells"


def threshold(profile: Profile, view: View, grain: Grain = Grain.DAY) -> int:
    """Tell how many visitors a cell needs to be listed, if its value is not a known one.

    A pair needs at least as many as either of its members; totals need none.
    """
    if not view.dimensions:
        return 0
    least = max(_of_vocabulary(profile, name) for name in view.dimensions)
    if len(view.dimensions) > 1:
        least = max(least, profile.open if is_hierarchy(view) else profile.pair)
    return max(least, profile.hour) if grain is Grain.HOUR else least


def known_values_stay(view: View, grain: Grain = Grain.DAY) -> bool:
    """Tell whether a view lists a known value (or "(none)") down to the threshold of closed ones.

    Known are the named sources and the site's own paths and host names.
    """
    return grain is Grain.DAY and len(view.dimensions) == 1


def is_hierarchy(view: View) -> bool:
    """Tell whether a view's values fold within a parent: `DE-BE` within `DE`."""
    return bool(view.dimensions) and bool(DIMENSIONS[view.dimensions[-1]].parent)


def is_table(view: View) -> bool:
    """Tell whether a view is a pair that stores no "(other)": it is marginal minus listed."""
    return len(view.dimensions) == 2 and not is_hierarchy(view)


def survives_thin_day(view: View) -> bool:
    """Tell whether a site-day of very few visitors keeps this view's values."""
    return not view.dimensions or view.dimensions in {(name,) for name in THIN_DAY_KEEPS}


def folds_by_visits(view: View) -> bool:
    """Tell whether a view, having no visitors, folds by its count of visits."""
    return MeasureGroup.VISITORS not in measures(view)


def averages_few(view: View) -> bool:
    """Tell whether a view's smallest cells tell averages: the lists of visits' dimensions do.

    There one visitor's counts would be the same in every list, and so join them.
    """
    names = view.dimensions
    return not is_table(view) and bool(names) and DIMENSIONS[names[0]].scope is Scope.VISIT


def marginals(view: View) -> tuple[View | None, View | None]:
    """Find the views of a pair's two members; None where a member has none of its own."""
    first, second = (VIEW_BY_DIMENSIONS.get(frozenset((name,))) for name in view.dimensions)
    return first, second


def parent_view(view: View) -> View | None:
    """Find the view of a hierarchy's parent dimension."""
    if not is_hierarchy(view):
        return None
    return VIEW_BY_DIMENSIONS.get(frozenset((DIMENSIONS[view.dimensions[-1]].parent,)))


def foldable_views() -> tuple[View, ...]:
    """List every view but the total."""
    return tuple(view for view in VIEWS if view is not TOTAL)


def _of_vocabulary(profile: Profile, dimension: str) -> int:
    return {
        Vocabulary.CLOSED: profile.closed,
        Vocabulary.KNOWN: profile.open,
        Vocabulary.OPEN: profile.open,
        Vocabulary.FINE: profile.continuous,
    }[DIMENSIONS[dimension].vocabulary]
