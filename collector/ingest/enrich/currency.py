"""Convert an amount of money to minor units, exactly, by the exponents of ISO 4217."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

MAX_MINOR: Final = 10**13
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_AMOUNT: Final = re.compile(r"-?\d{1,15}(\.\d{1,18})?")

# Digits after the point, where it is not two. Source: ISO 4217 list one, 2026-01.
_EXPONENTS: Final = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"), 0),
    **dict.fromkeys(("PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def minor_units(amount: object, currency: object) -> tuple[int, str] | None:
    """Convert an amount to the minor units of its currency, rounded half to even.

    Args:
        amount: a number, or its decimal text; at most 15 digits before the point.
        currency: three letters, in either case.

    Returns:
        (minor units, currency in upper case), or None if either makes no sense.
    """
    if not isinstance(currency, str) or isinstance(amount, bool):
        return None
    code = currency.upper()
    # The shortest text of a float is what the sender wrote.
    text = str(amount).strip() if isinstance(amount, str | int | float) else ""
    if not _CURRENCY.fullmatch(code) or not _AMOUNT.fullmatch(text):
        return None
    minor = int(Decimal(text).scaleb(_EXPONENTS.get(code, 2)).to_integral_value())
    return (minor, code) if abs(minor) <= MAX_MINOR else None
