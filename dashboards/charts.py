"""Work out the geometry of charts: where each bar, point, line and label goes.

Pure: takes numbers and words, gives fractions and path data; the templates
draw them as SVG with attributes only, so that no style need be allowed. Refuses
to know what a metric means. Called by `pages`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

SCALE = 1000
"""Lines are drawn in a box of this many units a side, stretched to the chart's size."""

STEPS = 4
BAR_SHARE = 0.72
LABELS = 12
NARROW_LABELS = 4
EDGE_PERCENT = 4.0

_NICE_TENTHS = (10, 12, 16, 20, 24, 32, 40, 48, 60, 80, 100, 120)
_NICE_SECONDS = (4, 20, 40, 60, 120, 240, 480, 720, 1200, 2400, 3600, 7200, 14400)


@dataclass(frozen=True, slots=True)
class Point:
    """One bucket to draw.

    Attributes:
        label: short words below the axis.
        title: full words for the bucket.
        value: None where there is nothing yet (a bucket to come) or it cannot be said.
        text: the value in words.
        before: the same bucket of the period before; None if there is none.
        partial: whether the bucket is still filling.
    """

    label: str
    title: str
    value: float | None
    text: str
    before: float | None = None
    before_text: str = ""
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Slot:
    """One bucket drawn; all positions are percentages of the chart's box.

    Attributes:
        point: what it shows.
        left: where its share of the width begins.
        width: how wide that share is.
        centre: the middle of it.
        bar_left: where its bar begins.
        bar_width: how wide its bar is.
        top: where its value lies, from above; None without a value.
        height: how high its bar is; 0 without a value.
    """

    point: Point
    left: float
    width: float
    centre: float
    bar_left: float
    bar_width: float
    top: float | None
    height: float


@dataclass(frozen=True, slots=True)
class AxisLabel:
    """Words along the time axis.

    Attributes:
        at: percentage of the width.
        anchor: SVG's text-anchor.
        narrow: whether there is room for it on a phone too.
    """

    text: str
    at: float
    anchor: str
    narrow: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart ready to draw.

    Attributes:
        kind: `bars` or `line`.
        slots: one for each bucket.
        line: path data of what is complete; empty for bars.
        area: path data of the surface below it; empty for bars.
        unfinished: path data of the piece that leads to the filling bucket.
        before: path data of the period before.
        scale: words for the gridlines, from the top to zero.
        labels: words along the time axis.
    """

    kind: str
    slots: tuple[Slot, ...]
    line: str
    area: str
    unfinished: str
    before: str
    scale: tuple[str, ...]
    labels: tuple[AxisLabel, ...]


def chart(
    points: Sequence[Point],
    *,
    kind: str,
    unit: str,
    words: Callable[[float], str],
) -> Chart:
    """Lay out a chart.

    Args:
        points: in order of time; at least one.
        kind: `bars` or `line`.
        unit: `count`, `ratio`, `percent` or `seconds`: decides where gridlines fall.
        words: writes a value for the scale.
    """
    known = [v for p in points for v in (p.value, p.before) if v is not None]
    top = axis_top(max(known, default=0.0), unit)
    slots = tuple(_slot(index, point, len(points), top) for index, point in enumerate(points))
    whole = [s for s in slots if s.top is not None and not s.point.partial]
    filling = [s for s in slots if s.top is not None and s.point.partial]
    line = _path([(s.centre, s.top or 0.0) for s in whole]) if kind == "line" else ""
    earlier = [(s.centre, s.point.before) for s in slots if s.point.before is not None]
    return Chart(
        kind=kind,
        slots=slots,
        line=line,
        area=_area(line, whole),
        unfinished=_path([(s.centre, s.top or 0.0) for s in (*whole[-1:], *filling[:1])])
        if kind == "line" and filling
        else "",
        before=_path([(centre, _from_top(value, top)) for centre, value in earlier]),
        scale=tuple(words(top * step / STEPS) for step in range(STEPS, -1, -1)),
        labels=axis_labels(slots),
    )


def axis_top(highest: float, unit: str) -> float:
    """Choose the value of the top gridline: at least the highest, and good to read in quarters.

    Args:
        highest: the highest value drawn, 0 or more.
        unit: as in `chart`.
    """
    if unit == "percent":
        return 100.0
    if unit == "seconds":
        return float(next((t for t in _NICE_SECONDS if t >= highest), -(-highest // 14400) * 14400))
    least = 4.0 if unit == "count" else 2.0
    if highest <= least:
        return least
    size = 10.0 ** (len(str(int(highest))) - 1)
    tops = (tenths * size / 10 for tenths in _NICE_TENTHS)
    return next(
        top for top in tops if top >= highest and (unit != "count" or (top / STEPS).is_integer())
    )


def axis_labels(slots: Sequence[Slot]) -> tuple[AxisLabel, ...]:
    """Choose which buckets are named: evenly spaced, few enough not to touch."""
    stride = -(-len(slots) // LABELS)
    chosen = slots[::stride]
    skip = -(-len(chosen) // NARROW_LABELS)
    return tuple(
        AxisLabel(slot.point.label, slot.centre, _anchor(slot.centre), index % skip == 0)
        for index, slot in enumerate(chosen)
    )


def sparkline(values: Sequence[float]) -> str:
    """Give the path data of a small line without axes; empty for fewer than two values."""
    if len(values) < 2:
        return ""
    top = max(*values, 1.0)
    return _path(
        [(100 * i / (len(values) - 1), _from_top(value, top)) for i, value in enumerate(values)]
    )


def share(value: float | None, highest: float) -> float:
    """Give a bar's length in percent of the longest; never quite nothing for something."""
    if not value or value < 0 or highest <= 0:
        return 0.0
    return round(max(1.0, min(100.0, 100 * value / highest)), 1)


def _slot(index: int, point: Point, count: int, top: float) -> Slot:
    width = 100 / count
    place = None if point.value is None else _from_top(point.value, top)
    return Slot(
        point=point,
        left=round(index * width, 3),
        width=round(width, 3),
        centre=round((index + 0.5) * width, 3),
        bar_left=round((index + (1 - BAR_SHARE) / 2) * width, 3),
        bar_width=round(width * BAR_SHARE, 3),
        top=place,
        height=0.0 if place is None else round(100 - place, 3),
    )


def _from_top(value: float | None, top: float) -> float:
    part = min(max((value or 0.0) / top, 0.0), 1.0)
    return round(100 * (1 - part), 3)


def _path(places: Sequence[tuple[float, float]]) -> str:
    if len(places) < 2:
        return ""
    spots = [f"{across * SCALE / 100:.1f} {down * SCALE / 100:.1f}" for across, down in places]
    return "M" + "L".join(spots)


def _area(line: str, slots: Sequence[Slot]) -> str:
    if not line:
        return ""
    first, last = slots[0].centre * SCALE / 100, slots[-1].centre * SCALE / 100
    return f"{line}L{last:.1f} {SCALE}L{first:.1f} {SCALE}Z"


def _anchor(at: float) -> str:
    if at < EDGE_PERCENT:
        return "start"
    return "end" if at > 100 - EDGE_PERCENT else "middle"
