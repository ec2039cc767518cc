"""Find the URLs that a sitemap lists.

It reads the one element it needs and is no XML parser: it expands no entity of the document's
own, follows no reference and opens no connection.

Source: https://www.sitemaps.org/protocol.html (0.9, 2016).
"""

from __future__ import annotations

import html
import re

from collector.errors import RegistryError

SITEMAP_BYTES = 50 * 1024 * 1024
"""The limit of the protocol."""

_LOCATION = re.compile(r"<loc\s*>([^<]{0,4096}|\s*<!\[CDATA\[[^\]]{0,4096}\]\]>\s*)</loc\s*>")
_INDEX = re.compile(r"<sitemapindex[\s>]")


def locations(content: bytes) -> list[str]:
    """Return the URLs of a sitemap, in its order.

    Raises:
        RegistryError: if it is too large, not UTF-8, a sitemap index, or lists nothing.
    """
    if len(content) > SITEMAP_BYTES:
        raise RegistryError("a sitemap may have 50 MiB at most")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise RegistryError("a sitemap must be UTF-8 text") from wrong
    if _INDEX.search(text):
        raise RegistryError("this is a sitemap index; use the sitemaps that it lists")
    found = [_address(inside) for inside in _LOCATION.findall(text)]
    if not found:
        raise RegistryError("this is not a sitemap: it has no <loc>")
    return found


def _address(inside: str) -> str:
    text = inside.strip()
    if text.startswith("<![CDATA["):
        return text.removeprefix("<![CDATA[").removesuffix("]]>").strip()
    return html.unescape(text)
