"""Declare every view: the dimensions, and the pairs of them, that cells are kept for.

The store's DDL, the query planner, the privacy notice, the audit and docs/metrics.md are generated
from this declaration or checked against it. The ids are stored: a view that ends leaves its id
unused.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag, StrEnum


class Grain(IntEnum):
    """The length of time a cell covers."""

    DAY = 0
    HOUR = 1
    MINUTE = 2


class Scope(StrEnum):
    """What a dimension's values belong to, which decides the metrics that its cells have."""

    HIT = "hit"
    VISIT = "visit"
    EXIT = "exit"


class Vocabulary(StrEnum):
    """How open a dimension's set of values is, which decides how small a cell may be."""

    CLOSED = "closed"
    KNOWN = "known"
    OPEN = "open"
    PRECISE = "precise"


@dataclass(frozen=True, slots=True)
class Dimension:
    """Something to group or filter by.

    Attributes:
        name: the field of `Hit` or `VisitValues` that holds its value.
        label: the word for people.
        scope: what its values belong to.
        vocabulary: decides the threshold below which its values fold.
        notice: what the privacy notice says about it.
        parent: the dimension whose value must be listed for this one's to be listed, or empty.
        separator: what stands between the parent's value and the rest: `DE-BE`,
            `Firefox 142`; empty where the parent's value is the same.
    """

    name: str
    label: str
    scope: Scope
    vocabulary: Vocabulary
    notice: str
    parent: str = ""
    separator: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """One dimension, a pair of them, or none, that cells are kept for.

    Attributes:
        id: 1 to 65535; never reused. 0 is the receipt of a batch.
        dimensions: none, one or two names, in the order of (value, other).
        grains: the lengths of time kept.
    """

    id: int
    dimensions: tuple[str, ...]
    grains: tuple[Grain, ...] = (Grain.DAY,)

    @property
    def name(self) -> str:
        """The view's name: its dimensions joined by `*`, or `total`."""
        return "*".join(self.dimensions) or "total"


RECEIPT_VIEW = 0

_HIT, _VISIT, _EXIT = Scope
_CLOSED, _KNOWN, _OPEN, _PRECISE = Vocabulary

DIMENSIONS: dict[str, Dimension] = {
    dimension.name: dimension
    for dimension in (
        Dimension("path", "Page", _HIT, _KNOWN, "the path of the page, scrubbed"),
        Dimension("hostname", "Hostname", _HIT, _KNOWN, "the host name of the page"),
        Dimension("event", "Event", _HIT, _OPEN, "the name of a custom event"),
        Dimension("property", "Property", _HIT, _OPEN, "an event's property", "event", "="),
        Dimension("search_query", "Search", _HIT, _OPEN, "what was searched on the site"),
        Dimension("goal", "Goal", _HIT, _CLOSED, "which of the site's goals were reached"),
        Dimension("currency", "Currency", _HIT, _CLOSED, "the currency of an event's revenue"),
        Dimension("entry_path", "Entry page", _VISIT, _KNOWN, "the first page of a visit"),
        Dimension("exit_path", "Exit page", _EXIT, _KNOWN, "the last page of a visit", "path"),
        Dimension("source", "Source", _VISIT, _KNOWN, "where a visit came from, by name"),
        Dimension("referrer", "Referrer", _VISIT, _OPEN, "the host and path that linked here"),
        Dimension("channel", "Channel", _VISIT, _CLOSED, "the group of sources"),
        Dimension("utm_source", "UTM source", _VISIT, _OPEN, "the campaign's source tag"),
        Dimension("utm_medium", "UTM medium", _VISIT, _OPEN, "the campaign's medium tag"),
        Dimension("utm_campaign", "Campaign", _VISIT, _OPEN, "the campaign's name tag"),
        Dimension("utm_term", "UTM term", _VISIT, _OPEN, "the campaign's term tag"),
        Dimension("utm_content", "UTM content", _VISIT, _OPEN, "the campaign's content tag"),
        Dimension("country", "Country", _VISIT, _CLOSED, "the country, from a truncated address"),
        Dimension("region", "Region", _VISIT, _OPEN, "the region", "country", "-"),
        Dimension("city", "City", _VISIT, _PRECISE, "the city", "country", "-"),
        Dimension("browser", "Browser", _VISIT, _CLOSED, "the browser's name"),
        Dimension(
            "browser_version", "Browser version", _VISIT, _OPEN, "its major version", "browser", " "
        ),
        Dimension("os", "System", _VISIT, _CLOSED, "the operating system's name"),
        Dimension("os_version", "System version", _VISIT, _OPEN, "its major version", "os", " "),
        Dimension("device", "Device", _VISIT, _CLOSED, "phone, tablet or desktop"),
        Dimension("screen", "Screen", _VISIT, _CLOSED, "the class of the window's width"),
        Dimension("language", "Language", _VISIT, _CLOSED, "the base language of the browser"),
    )
}

_DAY_AND_HOUR = (Grain.DAY, Grain.HOUR)

VIEWS: tuple[View, ...] = (
    View(1, (), (Grain.DAY, Grain.HOUR, Grain.MINUTE)),
    View(10, ("path",), _DAY_AND_HOUR),
    View(11, ("hostname",)),
    View(12, ("event",), _DAY_AND_HOUR),
    View(13, ("event", "property")),
    View(14, ("search_query",)),
    View(15, ("entry_path",), _DAY_AND_HOUR),
    View(16, ("exit_path",)),
    View(17, ("source",), _DAY_AND_HOUR),
    View(18, ("referrer",)),
    View(19, ("channel",), _DAY_AND_HOUR),
    View(20, ("utm_source",)),
    View(21, ("utm_medium",)),
    View(22, ("utm_campaign",), _DAY_AND_HOUR),
    View(23, ("utm_term",)),
    View(24, ("utm_content",)),
    View(25, ("country",), _DAY_AND_HOUR),
    View(26, ("region",)),
    View(27, ("city",)),
    View(28, ("browser",), _DAY_AND_HOUR),
    View(29, ("browser_version",)),
    View(30, ("os",), _DAY_AND_HOUR),
    View(31, ("os_version",)),
    View(32, ("device",), _DAY_AND_HOUR),
    View(33, ("screen",)),
    View(34, ("language",)),
    View(35, ("goal",)),
    View(36, ("event", "currency")),
    View(100, ("path", "source")),
    View(101, ("path", "channel")),
    View(102, ("path", "country")),
    View(103, ("path", "device")),
    View(104, ("path", "event")),
    View(105, ("source", "channel")),
    View(106, ("source", "country")),
    View(107, ("source", "device")),
    View(108, ("event", "source")),
    View(109, ("channel", "country")),
    View(110, ("channel", "device")),
    View(111, ("event", "channel")),
    View(112, ("country", "device")),
    View(113, ("event", "country")),
    View(114, ("event", "device")),
    View(115, ("path", "entry_path")),
    View(116, ("path", "utm_campaign")),
    View(117, ("path", "browser")),
    View(118, ("path", "os")),
    View(119, ("source", "entry_path")),
    View(120, ("source", "utm_campaign")),
    View(121, ("source", "browser")),
    View(122, ("source", "os")),
    View(123, ("channel", "entry_path")),
    View(124, ("channel", "utm_campaign")),
    View(125, ("channel", "browser")),
    View(126, ("channel", "os")),
    View(127, ("country", "entry_path")),
    View(128, ("country", "utm_campaign")),
    View(129, ("country", "browser")),
    View(130, ("country", "os")),
    View(131, ("device", "entry_path")),
    View(132, ("device", "utm_campaign")),
    View(133, ("device", "browser")),
    View(134, ("device", "os")),
    View(135, ("event", "entry_path")),
    View(136, ("event", "utm_campaign")),
    View(137, ("event", "browser")),
    View(138, ("event", "os")),
    View(139, ("goal", "source")),
    View(140, ("goal", "channel")),
    View(141, ("goal", "country")),
    View(142, ("goal", "device")),
    View(143, ("goal", "path")),
    View(144, ("goal", "entry_path")),
    View(145, ("goal", "utm_campaign")),
    View(146, ("goal", "browser")),
    View(147, ("goal", "os")),
)

TOTAL = VIEWS[0]
VIEW_BY_ID: dict[int, View] = {view.id: view for view in VIEWS}
VIEW_BY_DIMENSIONS: dict[frozenset[str], View] = {frozenset(v.dimensions): v for v in VIEWS}

LIST_DIMENSIONS = {"property": "properties", "goal": "goals"}
"""Dimensions with several values per hit, and the field of `Hit` that holds them."""


class MeasureGroup(IntFlag):
    """A group of metrics that the cells of a view have."""

    VISITORS = 1
    HITS = 2
    VISITS = 4
    VISIT_COUNT_ONLY = 8


def measures(view: View) -> MeasureGroup:
    """Return the metrics that a view has: those that all its dimensions have.

    The total and views of visit dimensions have all. Views with a hit dimension have no visits,
    bounces and visit seconds, which belong to no hit. Exit pages have the number of visits only,
    because nothing can be subtracted from a sketch.
    """
    scopes = {DIMENSIONS[name].scope for name in view.dimensions}
    if Scope.EXIT in scopes:
        return MeasureGroup.VISIT_COUNT_ONLY
    if Scope.HIT in scopes:
        return MeasureGroup.VISITORS | MeasureGroup.HITS
    return MeasureGroup.VISITORS | MeasureGroup.HITS | MeasureGroup.VISITS


def view_for(*names: str) -> View | None:
    """Return the view of these dimensions, in any order; None if there is none."""
    return VIEW_BY_DIMENSIONS.get(frozenset(names))
