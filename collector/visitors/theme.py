"""Let owners set the colours of the opt-out widget, if they pass WCAG's contrast checks.

A palette that fails is ignored, and the widget keeps its default colours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

TEXT_CONTRAST: Final = 4.5
SHAPE_CONTRAST: Final = 3.0
THEMES: Final = ("auto", "light", "dark")
_HEX: Final = re.compile(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})")


class Palette(NamedTuple):
    """Colours as six hexadecimal digits.

    Attributes:
        color: of text and of the borders of buttons.
        accent: of the mark beside the state and of the focus ring.
    """

    background: str
    color: str
    accent: str


DEFAULT: Final = Palette("ffffff", "1b1d1c", "0b6e69")
"""The light theme's, for colours that are not given."""


def palette_from(given: Mapping[str, str]) -> Palette | None:
    """Read a palette from `background`, `color` and `accent`.

    Returns:
        None if none is given, one is no colour, or the contrast is too low.
    """
    chosen = {name: given[name] for name in Palette._fields if given.get(name)}
    colours = {name: _digits(value) for name, value in chosen.items()}
    if not colours or not all(colours.values()):
        return None
    accent = colours.get("accent") or colours.get("color") or DEFAULT.accent
    palette = Palette(
        colours.get("background") or DEFAULT.background,
        colours.get("color") or DEFAULT.color,
        accent,
    )
    return palette if is_legible(palette) else None


def is_legible(palette: Palette) -> bool:
    """Return whether text has a contrast of 4.5 to the background, and shapes of 3.

    Source: WCAG 2.2, success criteria 1.4.3 and 1.4.11.
    """
    return (
        contrast(palette.color, palette.background) >= TEXT_CONTRAST
        and contrast(palette.accent, palette.background) >= SHAPE_CONTRAST
    )


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21.

    Source: WCAG 2.2, contrast ratio.
    """
    dark, light = sorted((_luminance(first), _luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def style_of(palette: Palette) -> str:
    """Write the style sheet of a palette: the widget's variables only."""
    scheme = "dark" if contrast(palette.background, "000000") < TEXT_CONTRAST else "light"
    return (
        f":root:root {{ color-scheme: {scheme}; --paper: #{palette.background}; "
        f"--card: #{palette.background}; --sunk: #{palette.background}; --ink: #{palette.color}; "
        f"--soft: #{palette.color}; --ghost: #{palette.color}; --hair: #{palette.color}; "
        f"--accent: #{palette.accent}; }}\n"
    )


def _digits(text: str) -> str:
    found = _HEX.fullmatch(text)
    if found is None:
        return ""
    digits = found[1].lower()
    return digits if len(digits) == 6 else "".join(digit * 2 for digit in digits)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (0, 2, 4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
