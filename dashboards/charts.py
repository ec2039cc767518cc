"""Turn a time series into a chart: buckets, points, and the geometry of bars, lines and labels.

The templates draw the geometry as SVG with attributes only, because the content security
policy forbids inline styles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from collector.stats.metrics import METRICS
from collector.stats.query import ReportRow
from dashboards import formatting

SCALE = 1000
"""Side of the SVG view box in which lines are drawn."""

WEIGHT = "visits"
"""The denominator of every ratio with a tile; months weight the ratios of their days by it."""

STEPS = 4
BAR_SHARE = 0.72
LABELS = 12
NARROW_LABELS = 4
EDGE_PERCENT = 4.0

_NICE_TENTHS = (10, 12, 16, 20, 24, 32, 40, 48, 60, 80, 100, 120)
_NICE_SECONDS = (4, 20, 40, 60, 120, 240, 480, 720, 1200, 2400, 3600, 7200, 14400)


@dataclass(frozen=True, slots=True)
class ChartBucket:
    """One interval of local time with its value; None if it is unknown."""

    start: datetime
    value: float | None


@dataclass(frozen=True, slots=True)
class Point:
    """One bucket to draw.

    Attributes:
        label: short name, below the axis.
        title: full name of the bucket.
        value: None if it is unknown or lies in the future.
        text: the formatted value.
        before: the same bucket of the period before; None if there is none.
        partial: whether the bucket has not ended yet.
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
    """The geometry of one bucket; all positions are percentages of the chart's box.

    Attributes:
        left: left edge of its share of the width.
        top: position of its value, from the top; None without a value.
        height: height of its bar; 0 without a value.
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
    """A label of the time axis.

    Attributes:
        at: percentage of the width.
        anchor: SVG's text-anchor.
        narrow: whether it is shown on narrow screens too.
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
        line: path data of the complete buckets; empty for bars.
        area: path data of the area below the line; empty for bars.
        unfinished: path data of the segment to the partial bucket.
        before: path data of the period before.
        scale: labels of the gridlines, from the top to zero.
        labels: labels of the time axis.
    """

    kind: str
    slots: tuple[Slot, ...]
    line: str
    area: str
    unfinished: str
    before: str
    scale: tuple[str, ...]
    labels: tuple[AxisLabel, ...]


def metrics_for(metric: str, bucket: str) -> tuple[str, ...]:
    """Return the metrics to query, to show one in buckets of a length."""
    if bucket == "month" and METRICS[metric].per:
        return (metric, WEIGHT)
    return (metric,)


def buckets(rows: Sequence[ReportRow], metric: str, bucket: str) -> list[ChartBucket]:
    """Turn rows into buckets; days are combined into months.

    Args:
        rows: of a time series, in order; `value` is an ISO 8601 local time.
        bucket: `hour`, `day` or `month`.
    """
    single = [ChartBucket(_start(row.value), row.metrics.get(metric)) for row in rows]
    if bucket != "month":
        return single
    months: dict[datetime, list[ReportRow]] = {}
    for row, part in zip(rows, single, strict=True):
        months.setdefault(part.start.replace(day=1), []).append(row)
    return [ChartBucket(start, _combined(days, metric)) for start, days in months.items()]


def points(
    now: Sequence[ChartBucket],
    earlier: Sequence[ChartBucket],
    *,
    metric: str,
    bucket: str,
    local_now: datetime,
) -> list[Point]:
    """Pair the buckets of a period with those of the period before.

    Args:
        now: buckets of the period; hours are extended to the end of their day.
        earlier: buckets of the period before; may be shorter or empty.
        local_now: the site's local time, naive; later buckets have no value.
    """
    unit = METRICS[metric].unit
    result = []
    for index, part in enumerate(_whole_days(now) if bucket == "hour" else now):
        label, title = formatting.bucket_words(bucket, part.start)
        value = None if part.start > local_now else part.value
        before = earlier[index].value if index < len(earlier) else None
        result.append(
            Point(
                label=label,
                title=title,
                value=value,
                text=formatting.amount(value, unit, short=False),
                before=before,
                before_text=formatting.amount(before, unit, short=False) if earlier else "",
                partial=part.start <= local_now < _end(part.start, bucket),
            )
        )
    return result


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
        unit: `count`, `ratio`, `percent` or `seconds`; places the gridlines.
        words: formats a value for the scale.
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
    """Return the value of the top gridline: at least the highest, divisible into quarters.

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
    """Choose the buckets with a label: evenly spaced, without overlap."""
    stride = -(-len(slots) // LABELS)
    chosen = slots[::stride]
    skip = -(-len(chosen) // NARROW_LABELS)
    return tuple(
        AxisLabel(slot.point.label, slot.centre, _anchor(slot.centre), index % skip == 0)
        for index, slot in enumerate(chosen)
    )


def sparkline(values: Sequence[float]) -> str:
    """Return the path data of a sparkline; empty for fewer than two values."""
    if len(values) < 2:
        return ""
    top = max(*values, 1.0)
    return _path(
        [(100 * i / (len(values) - 1), _from_top(value, top)) for i, value in enumerate(values)]
    )


def share(value: float | None, highest: float) -> float:
    """Return a bar's length in percent of the longest; at least 1 for any positive value."""
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


def _whole_days(hours: Sequence[ChartBucket]) -> list[ChartBucket]:
    whole = list(hours)
    while whole and (following := whole[-1].start + timedelta(hours=1)).hour > 0:
        whole.append(ChartBucket(following, None))
    return whole


def _combined(days: Sequence[ReportRow], metric: str) -> float | None:
    known = [row.metrics for row in days if row.metrics.get(metric) is not None]
    if not known:
        return None
    if not METRICS[metric].per:
        return sum(day[metric] or 0.0 for day in known)
    weight = sum(day.get(WEIGHT) or 0.0 for day in known)
    weighted = sum((day[metric] or 0.0) * (day.get(WEIGHT) or 0.0) for day in known)
    return weighted / weight if weight else None


def _start(value: str) -> datetime:
    return datetime.fromisoformat(value).replace(tzinfo=None)


def _end(start: datetime, bucket: str) -> datetime:
    if bucket == "hour":
        return start + timedelta(hours=1)
    if bucket == "day":
        return start + timedelta(days=1)
    return (start.replace(day=1) + timedelta(days=32)).replace(day=1)
