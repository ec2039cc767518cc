"""Write docs/metrics.md from the declarations of metrics, dimensions, views and thresholds.

`python -m tests.house.metrics_reference` writes the page; with `--check` its exit code says whether
it is up to date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from collector.cells.thresholds import NEVER, PROFILES, Profile, foldable_views, threshold
from collector.cells.views import DIMENSIONS, VIEWS, Dimension, Grain, MeasureGroup, View, measures
from collector.stats import caveats
from collector.stats.dimensions import PROPERTIES, partners
from collector.stats.metrics import EVERYBODY, METRICS, WORDS, Metric
from collector.stats.sql import LARGE_CELLS_ONLY

PAGE = Path("docs/metrics.md")

_HEAD = """\
# What is counted

Made from the code by `python -m tests.house.metrics_reference`; a test compares the two.

Footfall keeps cells: counts of one site, one view and one stretch of time. A question is
answered from the cells of one view, or refused in a sentence that names the views there are.
"""

_TAIL = f"""\
## How exact numbers are

- {caveats.SEVERAL_DAYS}
- {caveats.SEVERAL_VALUES}
- {caveats.NOT_FOR_IS_NOT}
- {caveats.COUNTED_TWICE.format(days="…")}
- {caveats.OTHER_IS_AN_UPPER_BOUND}
- {caveats.OTHER_IS_A_DIFFERENCE}
- {caveats.SMALL_CELLS_LEFT_OUT}
- {caveats.SMALL_SUMS_LEFT_OUT}

Every answer includes the sentences that apply to it. Days are the site's own, in its time zone.
An open day is folded when it is queried: lists as sealing will fold them; pairs and hours leave
out small cells, and the further cells that hide those only once the day is sealed. Whether a day
or hour is thin is known when it is over; only the strict profile treats it as thin before.
"""


def page() -> str:
    """Write the whole page, in Markdown."""
    sections = (_metrics(), _dimensions(), _views(), _thresholds())
    return "\n".join((_HEAD, *sections, _TAIL))


def main(arguments: Sequence[str]) -> int:
    """Write the page, or with `--check` compare it.

    Returns:
        0 if the file is now, or with `--check` was, what the code says; otherwise 1.
    """
    if "--check" in arguments:
        return int(not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
    return 0


def _metrics() -> str:
    rows = (
        (f"`{one.name}`", one.label, one.unit, one.meaning, _formula(one), _needed(one))
        for one in METRICS.values()
    )
    heads = ("name", "label", "unit", "what it is", "formula", "asked of views that count")
    apart = " and ".join(f"`{name}` is `{of}`" for name, of in LARGE_CELLS_ONLY.items())
    return (
        f"{_section('Metrics', heads, rows)}\nThe sums are those of cells; {apart}, both of "
        f"those cells alone that are large enough to keep continuous sums. `{EVERYBODY}` is the "
        "visitors of the same days and value, whether they reached the goal or not.\n"
    )


def _formula(metric: Metric) -> str:
    if not metric.per:
        return metric.sum
    factor = f"{metric.factor:g} × " if metric.factor != 1 else ""
    return f"{factor}{metric.sum} / {metric.per}"


def _needed(metric: Metric) -> str:
    return " or ".join(WORDS[word] for word in MeasureGroup if word & metric.needs)


def _dimensions() -> str:
    rows = ((f"`{one.name}`", one.label, *_of_dimension(one)) for one in DIMENSIONS.values())
    return _section(
        "Dimensions",
        ("name", "label", "what it holds", "belongs to", "in the reading API", "filter by it"),
        rows,
    )


def _of_dimension(one: Dimension) -> tuple[str, str, str, str]:
    known_as = [f"`{asked}`" for asked, name in PROPERTIES.items() if name == one.name]
    if one.name == "property":
        known_as = ["`event:props:NAME`"]
    together = ", ".join(partners(one.name)) or "by itself only"
    return one.notice, one.scope.value, " ".join(known_as), together


def _views() -> str:
    rows = ((str(view.id), f"`{view.name}`", _grains(view), _words(view)) for view in VIEWS)
    return _section("Views", ("id", "view", "kept by", "its cells count"), rows)


def _grains(view: View) -> str:
    return ", ".join(grain.name.lower() for grain in view.grains)


def _words(view: View) -> str:
    return "; ".join(WORDS[word] for word in MeasureGroup if word & measures(view))


def _thresholds() -> str:
    rows = (
        (f"`{view.name}`", *(_least(view, one) for one in PROFILES.values()))
        for view in foldable_views()
    )
    least = _section("Thresholds", ("visitors a value needs in a day", *PROFILES), rows)
    return (
        f"{least}\nA site's own paths and host names, the named sources and “(none)” need one "
        "visitor in views of one dimension; hours have thresholds of their own.\n"
    )


def _least(view: View, profile: Profile) -> str:
    least = threshold(profile, view, Grain.DAY)
    return str(least) if least < NEVER else "never shown"


def _section(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"## {title}\n\n{table}\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
