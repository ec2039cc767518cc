"""Draw what questions took as bars: raw rows, sealed cells, and with an open day.

Lengths are logarithms of milliseconds. Legible on light and dark ground. Called by `store`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from tests.bench.questions import Took

WIDTH, LEFT, ROW, BAR, TOP = 720, 170, 46, 11, 54
LEAST_MS, MOST_MS = 1, 10_000

_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#333}.line{stroke:#bbb;stroke-dasharray:2 3}"
    ".raw{fill:#b0b0b0}.sealed{fill:#1f7a5c}.open{fill:#d08a2e}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.line{stroke:#555}.raw{fill:#777}"
    ".sealed{fill:#4cc096}.open{fill:#e0a95a}}"
)
_KINDS = (("raw", "raw rows"), ("sealed", "sealed cells"), ("open", "with one open day"))


def draw(sealed: Sequence[Took], opened: Sequence[Took], title: str) -> str:
    """Draw the figures of one run as SVG.

    Args:
        sealed: of sealed days only, and of raw rows; `opened` of the same questions, in order.
    """
    height = TOP + ROW * len(sealed) + 8
    shapes = [_axis(height), *_legend()]
    for place, (cells, beside) in enumerate(zip(sealed, opened, strict=True)):
        top = TOP + place * ROW
        shapes.append(f'<text x="{LEFT - 8}" y="{top + 22}" text-anchor="end">')
        shapes.append(f"{escape(cells.name)}</text>")
        times = {"raw": cells.raw, "sealed": cells.wall, "open": beside.wall}
        for number, (kind, _) in enumerate(_KINDS):
            if (took := times[kind]) is not None:
                shapes.append(_bar(kind, took, top + 4 + number * (BAR + 1)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>{''.join(shapes)}</svg>\n"
    )


def _bar(kind: str, took: float, top: int) -> str:
    end = _place(took)
    return (
        f'<rect class="{kind}" x="{LEFT}" y="{top}" width="{end - LEFT:.0f}" height="{BAR}"/>'
        f'<text x="{end + 4:.0f}" y="{top + 10}">{took:,.0f}</text>'
    )


def _axis(height: int) -> str:
    lines = (
        f'<line class="line" x1="{_place(at):.0f}" x2="{_place(at):.0f}" y1="{TOP}" '
        f'y2="{height - 8}"/><text x="{_place(at):.0f}" y="{TOP - 6}" text-anchor="middle">'
        f"{at:,} ms</text>"
        for at in (10, 100, 1000)
    )
    return "".join(lines)


def _legend() -> list[str]:
    return [
        f'<rect class="{kind}" x="{LEFT + n * 150}" y="10" width="11" height="11"/>'
        f'<text x="{LEFT + 16 + n * 150}" y="20">{label}</text>'
        for n, (kind, label) in enumerate(_KINDS)
    ]


def _place(took: float) -> float:
    span = math.log(max(took, LEAST_MS) / LEAST_MS) / math.log(MOST_MS / LEAST_MS)
    return LEFT + span * (WIDTH - LEFT - 50)
