"""Owners choose colours, and visitors can still read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.visitors.theme import (
    SHAPE_CONTRAST,
    TEXT_CONTRAST,
    Palette,
    contrast,
    palette_from,
    style_of,
)

COLOURS = st.text("0123456789abcdef", min_size=6, max_size=6)


def test_contrast_is_that_of_wcag() -> None:
    """Black on white is 21 to 1, a colour on itself 1, and the order does not matter."""
    assert contrast("000000", "ffffff") == pytest.approx(21)
    assert contrast("0b6e69", "0b6e69") == pytest.approx(1)
    assert contrast("767676", "ffffff") == pytest.approx(4.54, abs=0.01)
    assert contrast("ffffff", "767676") == contrast("767676", "ffffff")


@pytest.mark.parametrize(
    ("given_colours", "expected"),
    [
        ({}, None),
        ({"background": "fff8e7", "color": "3b2a14"}, Palette("fff8e7", "3b2a14", "3b2a14")),
        ({"background": "#FFF", "color": "#222"}, Palette("ffffff", "222222", "222222")),
        ({"accent": "aa0000"}, Palette("ffffff", "1b1d1c", "aa0000")),
        ({"background": "000000"}, None),
        ({"background": "ffffff", "color": "bbbbbb"}, None),
        ({"background": "ffffff", "color": "222222", "accent": "eeeeee"}, None),
        ({"background": "red", "color": "222222"}, None),
        ({"background": "ffffff;}body{display:none", "color": "222222"}, None),
        ({"background": "ffff", "color": "222222"}, None),
        ({"theme": "dark"}, None),
    ],
)
def test_colours_that_cannot_be_read_are_ignored(
    given_colours: dict[str, str], expected: Palette | None
) -> None:
    """One colour at fault, and the widget wears its own."""
    assert expected == palette_from(given_colours)


@given(COLOURS, COLOURS, COLOURS)
def test_every_palette_taken_is_legible(background: str, color: str, accent: str) -> None:
    """Whatever is asked for, text has a contrast of 4.5 and shapes of 3, or nothing changes."""
    palette = palette_from({"background": background, "color": color, "accent": accent})

    if palette is not None:
        assert contrast(palette.color, palette.background) >= TEXT_CONTRAST
        assert contrast(palette.accent, palette.background) >= SHAPE_CONTRAST


def test_a_style_holds_nothing_but_colours() -> None:
    """The style sheet sets variables and the color scheme."""
    dark, light = Palette("101010", "eeeeee", "5cc9bf"), Palette("fff8e7", "3b2a14", "3b2a14")

    assert style_of(dark).startswith(":root:root { color-scheme: dark; --paper: #101010;")
    assert "color-scheme: light;" in style_of(light)
    assert style_of(dark).count("{") == 1
