"""Money is counted in minor units, exactly, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.ingest.enrich.currency import MAX_MINOR, minor_units


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        (19.99, "EUR", (1999, "EUR")),
        ("19.99", "eur", (1999, "EUR")),
        (0.1, "USD", (10, "USD")),
        (1.15, "USD", (115, "USD")),
        (20, "USD", (2000, "USD")),
        (500, "JPY", (500, "JPY")),
        ("1.234", "KWD", (1234, "KWD")),
        ("1.2345", "CLF", (12345, "CLF")),
        ("0.125", "EUR", (12, "EUR")),
        ("0.135", "EUR", (14, "EUR")),
        (-5, "EUR", (-500, "EUR")),
        (" 7 ", "EUR", (700, "EUR")),
        ("1e3", "EUR", None),
        ("1,50", "EUR", None),
        (float("inf"), "EUR", None),
        (float("nan"), "EUR", None),
        ("", "EUR", None),
        (True, "EUR", None),
        (None, "EUR", None),
        ([1], "EUR", None),
        (1, "EURO", None),
        (1, "€", None),
        (1, None, None),
        ("9" * 15, "EUR", None),
        ("9" * 40, "EUR", None),
    ],
)
def test_amounts_become_minor_units(
    amount: object, currency: object, expected: tuple[int, str] | None
) -> None:
    """Two digits after the point unless the currency has others; nonsense is none."""
    assert expected == minor_units(amount, currency)


@given(st.integers(-MAX_MINOR, MAX_MINOR))
def test_cents_are_never_lost(cents: int) -> None:
    """Any number of cents, written as a decimal, comes back as itself."""
    sign = "-" if cents < 0 else ""
    written = f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02}"

    assert (cents, "EUR") == minor_units(written, "EUR")
