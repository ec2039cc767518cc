"""Parse the address of a page into host name, scrubbed path and allow-listed query tags.

Pure, and does not raise for any string.

Source: docs/design/0006-rules.md.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from collector.privacy.scrub import (
    MAX_TEXT,
    PLAIN_TEXT,
    decoded,
    scrub_path,
    scrub_search,
    scrub_text,
)

MAX_URL = 4096
"""Characters of an address that are read at all; the rest is cut."""
TAGS = frozenset(
    {
        "utm_source",
        "utm_medium",
        "utm_campaign",
        "utm_term",
        "utm_content",
        "ref",
        "source",
    }
)
CLICK_ID = "click_id"
"""The key under which a click identifier's *name* is kept; its value never is."""
CLICK_IDS = frozenset(
    {
        "dclid",
        "epik",
        "fbclid",
        "gad_source",
        "gbraid",
        "gclid",
        "igshid",
        "li_fat_id",
        "msclkid",
        "qclid",
        "rdt_cid",
        "sccid",
        "ttclid",
        "twclid",
        "wbraid",
        "yclid",
    }
)

_URL = re.compile(
    r"(?:[hH][tT][tT][pP][sS]?:)?//([^/?#\\]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL
)
_LOCAL = re.compile(r"(/[^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL)
_HOST = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,252}|\[[0-9a-f:.]{2,45}\]")
_SLASHES = re.compile(r"[/\\]{2,}|\\")
_INDEX = re.compile(r"/(?:index|default)\.(?:html?|php|aspx?|jsp)$", re.IGNORECASE)
_MATRIX = re.compile(r";[^/]*")


class PageRules(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """The settings of a `Site` that say how its pages are read; described there."""

    templates: tuple[str, ...] = ()
    search_parameter: str = ""
    keep_trailing_slash: bool = False
    keep_index: bool = False
    public_users: bool = False
    hash_routing: bool = False


class Page(msgspec.Struct, frozen=True):
    """What is kept of a page's address.

    Attributes:
        hostname: lower case, without port and user; empty if there is none we can read.
        path: from `/`, at most 512 characters, scrubbed.
        query: allow-listed tags, decoded and scrubbed; under `click_id` the name of a
            click identifier that was there.
        search: what was searched on the site, scrubbed; empty if nothing.
    """

    hostname: str
    path: str
    query: dict[str, str]
    search: str = ""


PLAIN_RULES = PageRules()


def parse_page(
    url: str,
    hash_mode: bool = False,  # noqa: FBT001, FBT002 -- the wire's own flag
    rules: PageRules = PLAIN_RULES,
) -> Page:
    """Read the address of a page.

    Args:
        url: as the tracker sent it: http(s), scheme-relative or a path from `/`; anything
            else gives an empty host name and `/`.
        hash_mode: whether the fragment is part of the path, for sites that route by it.
        rules: the site's.

    Returns:
        The page; for every string, without raising.
    """
    url = url[:MAX_URL]
    if "?" in url or "#" in url:
        return _read(url, rules, hash_mode=hash_mode)
    return _read_before(url, rules)


def _read(url: str, rules: PageRules, *, hash_mode: bool = False) -> Page:
    url = url.strip()
    if whole := _URL.match(url):
        authority, raw_path, query, fragment = whole.groups()
        hostname = hostname_of(authority.rpartition("@")[2])
    elif local := _LOCAL.match(url):
        hostname, (raw_path, query, fragment) = "", local.groups()
    else:
        return Page("", "/", {})
    if fragment and (hash_mode or rules.hash_routing):
        raw_path = _with_fragment(raw_path, fragment)
    tags = tags_of(query, rules.search_parameter) if query else {}
    parameter = rules.search_parameter
    search = scrub_search(tags.pop(parameter, "")) if parameter and tags else ""
    return Page(hostname, path_of(raw_path, rules), tags, search)


# Of what has no query, which might hold anything, what was read before is kept.
_read_before = lru_cache(maxsize=4096)(_read)


@lru_cache(maxsize=2048)
def hostname_of(authority: str) -> str:
    """Read a host name from `host:port`; empty if it is none.

    Returns:
        Lower case, in ASCII (IDNA); IPv6 addresses keep their brackets.
    """
    if authority.startswith("["):
        host = authority.partition("]")[0] + "]"
    else:
        host = authority.partition(":")[0]
    host = host.lower().rstrip(".")
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return ""
    return host if _HOST.fullmatch(host) else ""


@lru_cache(maxsize=4096)
def path_of(raw_path: str, rules: PageRules = PLAIN_RULES) -> str:
    """Clean, template and scrub a path.

    Args:
        raw_path: without query; may be percent-encoded, several times over.
        rules: the site's.

    Returns:
        A path from `/`, at most 512 characters; the same again when given itself.
    """
    path = decoded(raw_path)[:MAX_URL]
    if "?" in path:
        path = path.partition("?")[0]
    if ";" in path:
        path = _MATRIX.sub("", path)
    path = _SLASHES.sub("/", "/" + path)
    if not rules.keep_index:
        path = _INDEX.sub("/", path)
    if not rules.keep_trailing_slash:
        path = path.rstrip("/") or "/"
    if rules.templates and (template := _templated(path, rules.templates)):
        return template
    return scrub_path(path, public_users=rules.public_users)


def tags_of(query: str, search_parameter: str = "") -> dict[str, str]:
    """Pick the allow-listed tags from a query string; the first of each name counts.

    Returns:
        Values decoded, scrubbed and not empty, but for what was searched, which is not
        scrubbed; a click identifier's name under `click_id`.
    """
    tags: dict[str, str] = {}
    for pair in query.split("&"):
        key, _, value = pair.partition("=")
        if "%" in key:
            # Forms write the brackets of a name so.
            key = decoded(key)
        name = key if key == search_parameter else key.lower()
        if name in CLICK_IDS and value:
            tags.setdefault(CLICK_ID, name)
        elif value and name not in tags and (name in TAGS or (name == search_parameter and name)):
            if len(value) <= MAX_TEXT and PLAIN_TEXT.fullmatch(value):
                # Most tags are plain words, which need neither decoding nor scrubbing.
                tags[name] = value
                continue
            text = decoded(value.replace("+", " ")).strip()
            if kept := text if name == search_parameter else scrub_text(text):
                tags[name] = kept
    return tags


def forget() -> None:
    """Empty the caches that are keyed by what browsers sent; called when day secrets go."""
    _read_before.cache_clear()
    path_of.cache_clear()
    hostname_of.cache_clear()


def _with_fragment(raw_path: str, fragment: str) -> str:
    route = fragment.partition("?")[0]
    # A fragment with key=value is a parameter list (OAuth's access_token among them), no route.
    return raw_path if "=" in route else f"{raw_path}#{route}"


def _templated(path: str, templates: tuple[str, ...]) -> str:
    fitting = _template_pattern(templates).fullmatch(path)
    return templates[fitting.lastindex - 1] if fitting and fitting.lastindex else ""


@lru_cache(maxsize=256)
def _template_pattern(templates: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"({_template_source(template)})" for template in templates))


def _template_source(template: str) -> str:
    parts = (
        ".*" if part == "*" else "[^/]+" if part.startswith(":") else re.escape(part)
        for part in template.split("/")
    )
    return "/".join(parts)
