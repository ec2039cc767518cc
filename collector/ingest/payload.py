"""Define the payload that every wire format decodes to, and the readers that formats share.

Pure: keys, types and limits, before any site or consent is known.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, TypeVar

import msgspec
import orjson

from collector.errors import PayloadError
from collector.hit import Kind
from collector.ingest.enrich.currency import minor_units

MAX_BODY: Final = 8192
MAX_NAME: Final = 120
MAX_URL: Final = 2000
MAX_PROPS: Final = 30
MAX_PROP_KEY: Final = 300
MAX_PROP_VALUE: Final = 2000
MAX_SITES: Final = 10
MAX_WIDTH: Final = 100_000
_MAX_DIGITS: Final = 30
_MAX_NUMBER: Final = 2.0**53

Shape = TypeVar("Shape")
Properties = tuple[tuple[str, str], ...]
Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
NUL: Final = rb"\u0000"
_FIELD: Final = re.compile(r"\$\.([A-Za-z0-9_$]{1,40})")
_MISSING_FIELD: Final = re.compile(r"missing required field `([A-Za-z0-9_$.-]{1,40})`")


class Payload(msgspec.Struct, frozen=True, gc=False):
    """The tracker's body, whatever format it came in.

    Attributes:
        name: of a custom event; empty for the other kinds.
        domains: the sites it is for; none means the host of `url`.
        props: (key, value) pairs of a custom event, at most 30.
        interactive: whether an event ends a bounce.
        revenue: (minor units, currency).
        scroll: the deepest point of the page reached, 0 to 100 percent; None if not said.
        engaged_ms: time the page was looked at since the last report.
        hash_mode: whether the URL's fragment is part of the path.
        screen_width: of the window, in CSS pixels; 0 if not said.
        language: a language tag; empty if not said.
        bot: the tracker saw an automated browser.
    """

    kind: Kind
    name: str = ""
    url: str = ""
    domains: tuple[str, ...] = ()
    referrer: str = ""
    props: Properties = ()
    interactive: bool = True
    revenue: tuple[int, str] | None = None
    scroll: int | None = None
    engaged_ms: int = 0
    hash_mode: bool = False
    screen_width: int = 0
    language: str = ""
    bot: bool = False


def parse_json(body: bytes) -> object:
    """Parse JSON.

    Raises:
        PayloadError: `not_json`; `bad_field` if a text holds a NUL, which no store takes.
    """
    if NUL in body:
        raise PayloadError("bad_field")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as broken:
        raise PayloadError("not_json") from broken


def convert(shape: type[Shape], parsed: object) -> Shape:
    """Check that parsed JSON has a shape.

    Raises:
        PayloadError: `unknown_field`, `missing_field` or `bad_field`, with the field's name.
    """
    try:
        return msgspec.convert(parsed, shape)
    except msgspec.ValidationError as misshapen:
        message = str(misshapen)
        if "unknown field" in message:
            raise PayloadError("unknown_field") from misshapen
        missing = _MISSING_FIELD.search(message)
        if missing:
            raise PayloadError("missing_field", missing[1]) from misshapen
        field = _FIELD.search(message)
        raise PayloadError("bad_field", field[1] if field else "") from misshapen


def properties_of(found: object) -> Properties:
    """Read an event's properties: an object of scalars, or the JSON text of one.

    Blank values, lists and objects are dropped, and what comes after the 30th.

    Raises:
        PayloadError: `bad_field` if a key or value is too long.
    """
    if isinstance(found, str):
        try:
            found = orjson.loads(found)
        except orjson.JSONDecodeError:
            return ()
    if not isinstance(found, dict):
        return ()
    kept: list[tuple[str, str]] = []
    for key, value in found.items():
        text = _text_of(value)
        if text and key and len(kept) < MAX_PROPS:
            if len(key) > MAX_PROP_KEY or len(text) > MAX_PROP_VALUE:
                raise PayloadError("bad_field", "props")
            kept.append((key, text))
    return tuple(kept)


def revenue_of(found: object) -> tuple[int, str] | None:
    """Read an event's revenue: `{amount, currency}` or its JSON text; None if it makes no sense."""
    if isinstance(found, str):
        try:
            found = orjson.loads(found)
        except orjson.JSONDecodeError:
            return None
    if not isinstance(found, dict):
        return None
    return minor_units(found.get("amount"), found.get("currency"))


def url_of(found: str | None, field: str) -> str:
    """Check a URL's length and scheme.

    Raises:
        PayloadError: `missing_field` or `bad_field`.
    """
    if not found:
        raise PayloadError("missing_field", field)
    if len(found) > MAX_URL or found[:5].lower() == "data:":
        raise PayloadError("bad_field", field)
    return found


def domains_of(found: str | None) -> tuple[str, ...]:
    """Split a list of sites at its commas; each once, lower-cased, without `www.`.

    Raises:
        PayloadError: `bad_field` if there are more than ten.
    """
    if not found:
        return ()
    if "," not in found:
        return (found.strip().lower().removeprefix("www."),)
    names = (name.strip().lower().removeprefix("www.") for name in found.split(","))
    domains = tuple(dict.fromkeys(name for name in names if name))
    if len(domains) > MAX_SITES:
        raise PayloadError("bad_field", "domain")
    return domains


def number_of(found: float | str | None) -> int | None:
    """Read a whole number that may have come as a text; None if it is none."""
    if isinstance(found, str):
        try:
            found = float(found) if len(found) <= _MAX_DIGITS else None
        except ValueError:
            return None
    # Infinity and what is not a number fail the comparison.
    return int(found) if found is not None and abs(found) < _MAX_NUMBER else None


def width_of(found: int | None) -> int:
    """Keep a window's width if it can be one; else 0."""
    return found if found is not None and 0 < found <= MAX_WIDTH else 0


def _text_of(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else ""
