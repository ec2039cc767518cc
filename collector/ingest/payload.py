"""Read what trackers send in Plausible's format, which ours speaks too.

Pure: knows keys, types and limits; refuses to know sites, consent or what a
value means. Called by `ingest.endpoint`. The peers' other formats have a
module of their own each, and all end in a `Payload`.

Source: facts of the format in Plausible's public documentation (2026-11).
"""

from __future__ import annotations

import re
from typing import Annotated, Final, TypeVar

import msgspec
import orjson

from collector.errors import PayloadError
from collector.hit import ENGAGEMENT, EVENT, PAGEVIEW, Kind
from collector.ingest.enrich.currency import minor_units

MAX_BODY: Final = 8192
MAX_NAME: Final = 120
MAX_URL: Final = 2000
MAX_PROPS: Final = 30
MAX_PROP_KEY: Final = 300
MAX_PROP_VALUE: Final = 2000
MAX_SITES: Final = 10
MAX_ENGAGED_MS: Final = 30 * 24 * 3600 * 1000
MAX_WIDTH: Final = 100_000
_MAX_LANGUAGE: Final = 35
_MAX_DIGITS: Final = 30
_MAX_NUMBER: Final = 2.0**53

Shape = TypeVar("Shape")
Properties = tuple[tuple[str, str], ...]
Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_NUL: Final = rb"\u0000"
_KINDS: Final[dict[object, Kind]] = {"pageview": PAGEVIEW, "engagement": ENGAGEMENT}
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


class _Plausible(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    n: str | Whole | None = None
    name: str | Whole | None = None
    u: str | None = None
    url: str | None = None
    d: str | None = None
    domain: str | None = None
    r: str | None = None
    referrer: str | None = None
    m: dict[str, object] | str | None = None
    meta: dict[str, object] | str | None = None
    p: dict[str, object] | str | None = None
    props: dict[str, object] | str | None = None
    h: Whole | bool | None = None
    hash_mode: Whole | bool | None = msgspec.field(default=None, name="hashMode")
    i: bool | None = None
    interactive: bool | None = None
    money: dict[str, object] | str | None = msgspec.field(default=None, name="$")
    revenue: dict[str, object] | str | None = None
    v: Whole | str | None = None
    sd: float | str | None = None
    e: float | str | None = None
    w: Whole | None = None
    screen_width: Whole | None = None
    language: str | None = msgspec.field(default=None, name="l")


def decode_plausible(body: bytes) -> Payload:
    """Read one payload.

    Raises:
        PayloadError: `not_json`, `unknown_field`, `missing_field` or `bad_field`.
    """
    try:
        sent = _at_once(body)
    except (msgspec.MsgspecError, UnicodeError):
        # What is wrong with it, the slower way tells.
        sent = convert(_Plausible, parse_json(body))
    if _NUL in body:
        raise PayloadError("bad_field")
    return _payload(sent)


def payload_of(parsed: object) -> Payload:
    """Read one payload from parsed JSON.

    Raises:
        PayloadError: `unknown_field`, `missing_field` or `bad_field`.
    """
    return _payload(convert(_Plausible, parsed))


def parse_json(body: bytes) -> object:
    """Parse JSON.

    Raises:
        PayloadError: `not_json`; `bad_field` if a text holds a NUL, which no store takes.
    """
    if _NUL in body:
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


_at_once = msgspec.json.Decoder(_Plausible).decode


def _payload(sent: _Plausible) -> Payload:
    said = sent.n if sent.n is not None else sent.name
    kind = _KINDS.get(said, EVENT)
    is_event = kind is EVENT
    name = _event_name(said) if is_event else ""
    scroll, engaged_ms = _engagement(sent) if kind is ENGAGEMENT else (None, 0)
    # By position, in the order of Payload: half the cost of keywords (2026-11).
    return Payload(
        kind,
        name,
        url_of(sent.u or sent.url, "url"),
        domains_of(sent.d or sent.domain),
        (sent.r or sent.referrer or "")[:MAX_URL],
        properties_of(sent.m or sent.meta or sent.p or sent.props) if is_event else (),
        (sent.i if sent.i is not None else sent.interactive) is not False,
        revenue_of(sent.money or sent.revenue) if is_event else None,
        scroll,
        engaged_ms,
        bool(sent.h or sent.hash_mode),
        width_of(sent.w or sent.screen_width),
        (sent.language or "")[:_MAX_LANGUAGE],
    )


def width_of(found: int | None) -> int:
    """Keep a window's width if it can be one; else 0."""
    return found if found is not None and 0 < found <= MAX_WIDTH else 0


def _event_name(said: str | int | None) -> str:
    name = "" if said is None else str(said)
    if not name:
        raise PayloadError("missing_field", "name")
    if len(name) > MAX_NAME:
        raise PayloadError("bad_field", "name")
    return name


def _engagement(sent: _Plausible) -> tuple[int | None, int]:
    scroll, engaged_ms = number_of(sent.sd), number_of(sent.e)
    if scroll is not None:
        scroll = min(scroll, 100) if scroll >= 0 else None
    if engaged_ms is not None and not 0 <= engaged_ms < MAX_ENGAGED_MS:
        engaged_ms = None
    if scroll is None and engaged_ms is None:
        raise PayloadError("missing_field", "e")
    return scroll, engaged_ms or 0


def _text_of(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else ""
