"""Scrub personal data from paths and texts before anything is written.

In a path, segments are replaced; a free text with personal data is dropped whole. Linear in time.

Source: docs/design/0006-rules.md.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from urllib.parse import unquote

from collector.privacy.personal_data import class_of_segment, is_personal

MAX_PATH = 512
"""The longest path that is kept, in characters; cut between segments."""
MAX_READ = 2048
"""The longest text that is examined; a longer text is dropped, a longer path is cut."""
MAX_TEXT = 100
"""The default for the longest text that is kept."""
MAX_SEARCH_WORDS = 6
MOST_FOLDED = 18
"""The most characters that NFKC makes of one: U+FDFA."""
MAX_ROUNDS = 3
"""How often a text is percent-decoded; text encoded more often counts as a token."""

# Lower-case words between dashes and slashes, with one short number per segment, are not personal.
# Two numbers may be a date or a telephone number; a name or secret follows the words listed.
_PIECE = r"[a-z]{0,15}+(?:[0-9]{1,4}+(?![^/]*[0-9]))?+"
_ORDINARY = re.compile(
    r"/?+(?:(?!(?:activate|auth|callback|confirm|home|invitations?|invite|magic|magic-link|members?"
    r"|password|profiles?|reset|reset-password|token|u|unsubscribe|users?|verify|verification)(?:/|$))"
    rf"{_PIECE}(?:[-_]++{_PIECE})*+(?:\.(?:html?|php|aspx?))?+(?:/|$))++"
)
PLAIN_TEXT = re.compile(r"[A-Z]?+[a-z]{0,15}+(?:[ _-]++[A-Z]?+[a-z]{1,15}+)*+")
# Soft hyphen, zero-width, bidi marks, byte-order mark and lone surrogates: invisible characters
# must neither make two values of one nor hide personal data.
_UNSEEN = re.compile(
    r"[\xad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff0-\uffff\ud800-\udfff]"
)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SPACES = re.compile(r"\s+")
_ENCODED = re.compile(r"%[0-9a-fA-F]{2}")
_TEMPLATE = re.compile(r":[a-z_]{1,32}")
# As in host names that providers give to customers' addresses.
_DASHED_ADDRESS = re.compile(r"(?<!\d)\d{1,3}(?:-\d{1,3}){3}(?!\d)")

# A secret for one person follows these: the rest of the path is cut.
_CUTTING_WORDS = (
    "activate auth callback confirm invite invitation invitations magic magic-link password reset "
    "reset-password token unsubscribe verify verification"
)
# A person's name follows these.
_NAMING_WORDS = "home member members profile profiles u user users"
# Pages of the site itself, which may follow either.
_SITE_WORDS = (
    "about account accounts add admin all apple apps archive articles auth billing blog callback "
    "cancel cart category change checkout company complete completed confirm contact create "
    "dashboard data design docs done download edit email error expired export facebook failed faq "
    "features forgot garden github gallery google groups guide guides help history home import "
    "index info insurance invite kitchen list login logout manage me microsoft my new news "
    "notifications oauth office orders overview password preferences pricing privacy products "
    "profile projects register reports request reset resend roles saml search security sent "
    "services settings setup shop signin signout sign-in sign-out sign-up signup sso start "
    "status success support team teams terms thanks thank-you two-factor update user users "
    "verify welcome"
)
_CUTTING = frozenset(_CUTTING_WORDS.split())
_NAMING = frozenset(_NAMING_WORDS.split())
_OWN_WORDS = frozenset(_SITE_WORDS.split())


def scrub_path(path: str, *, public_users: bool = False) -> str:
    """Replace the segments of a path that could identify a person by their class.

    Args:
        path: from `/`, decoded; segments such as `:id` of a template stay.
        public_users: whether names after `/users/` and the like are public.

    Returns:
        At most 512 characters; idempotent. Classes are `:email`,
        `:uuid`, `:jwt`, `:token`, `:hash`, `:num`, `:ip`, `:mac`, `:phone`, `:card`,
        `:iban`, `:user` and `:long`.
    """
    if len(path) <= MAX_PATH and _ORDINARY.fullmatch(path):
        return path
    return _scrubbed_path(path[: MAX_READ + 1], public_users=public_users)


@lru_cache(maxsize=2048)
def scrub_host(host: str) -> str:
    """Replace the subdomain of a host if it could identify a person; an IP address whole.

    Args:
        host: a host name, in lower case and ASCII.

    Returns:
        The same, with a class such as `:uuid` in place of all but the last two labels; `:ip`
        for an address.
    """
    if host.startswith("[") or host.rpartition(".")[2].isdigit():
        return ":ip"
    before, *registered = host.rsplit(".", 2)
    if len(registered) < 2:
        return host
    found = ":ip" if _DASHED_ADDRESS.search(before) else class_of_segment(before)
    return ".".join((found, *registered))


def scrub_text(text: str, cap: int = MAX_TEXT) -> str:
    """Return a free text, or an empty string if anything in it could identify a person.

    Args:
        text: decoded: a campaign tag, an event's name or property, a title.
        cap: the longest text that is kept, in characters.

    Returns:
        The text, with runs of white space as one space.
    """
    if len(text) <= cap and PLAIN_TEXT.fullmatch(text):
        return text
    if len(text) > MAX_READ:
        return ""
    return _scrubbed_text(text)[:cap].rstrip()


def scrub_search(text: str) -> str:
    """Return a search query in lower case, at most six words; empty if personal or a number."""
    kept = scrub_text(text).lower()
    words = kept.split()[:MAX_SEARCH_WORDS]
    return "" if all(word.isdigit() for word in words) else " ".join(words)


def decoded(text: str) -> str:
    """Undo percent-encoding up to three times, then normalise as `seen` does."""
    for _ in range(MAX_ROUNDS):
        if not _ENCODED.search(text):
            break
        text = unquote(text, errors="replace")
    return seen(text)


def seen(text: str) -> str:
    """Normalise (NFKC), remove invisible characters, and replace control characters by spaces.

    Returns:
        The text; if it folds to more than `MAX_READ` characters, more than those of it.
    """
    if not text.isascii():
        text = _folded(_UNSEEN.sub("", text))
    return _CONTROLS.sub(" ", text)


def forget() -> None:
    """Empty the caches, which are keyed by what visitors sent."""
    scrub_host.cache_clear()
    _scrubbed_path.cache_clear()
    _scrubbed_text.cache_clear()


def _folded(text: str) -> str:
    """Normalise a text (NFKC), but no more of it than shows that it is too long: it is slow."""
    step = MAX_READ // MOST_FOLDED
    if len(text) > step:
        length = 0
        for end in range(step, len(text) + step, step):
            length += len(unicodedata.normalize("NFKC", text[end - step : end]))
            # Across the border of two pieces, characters may still combine.
            if length > MAX_READ + step:
                text = text[:end]
                break
    return unicodedata.normalize("NFKC", text)


@lru_cache(maxsize=4096)
def _scrubbed_path(path: str, *, public_users: bool) -> str:
    if len(path) > MAX_READ:
        path = path[:MAX_READ].rpartition("/")[0] or "/:long"
    kept: list[str] = []
    before = ""
    for segment in path.split("/"):
        word = before.lower()
        if word in _CUTTING and segment and segment.lower() not in _OWN_WORDS:
            kept.append(":token")
            break
        kept.append(_scrubbed_segment(segment, named=word in _NAMING and not public_users))
        before = segment
    return _capped("/".join(kept))


def _scrubbed_segment(segment: str, *, named: bool) -> str:
    if not segment or _TEMPLATE.fullmatch(segment):
        return segment
    if named and segment.lower() not in _OWN_WORDS:
        return ":user"
    return class_of_segment(segment)


def _capped(path: str) -> str:
    if len(path) <= MAX_PATH:
        return path
    return path[: MAX_PATH + 1].rpartition("/")[0] or "/:long"


@lru_cache(maxsize=4096)
def _scrubbed_text(text: str) -> str:
    folded = seen(text)
    bare = decoded(text) if "%" in text else ""
    # One character may become eighteen, so the length is checked again.
    if max(len(folded), len(bare)) > MAX_READ:
        return ""
    clean = _SPACES.sub(" ", folded).strip()
    return "" if is_personal(clean) or (bare and is_personal(bare)) else clean
