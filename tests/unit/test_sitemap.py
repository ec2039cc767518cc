"""What is taken from a sitemap, and what is refused."""

from __future__ import annotations

import io

import pytest

from collector.commands.site_options import named, paths_of
from collector.errors import RegistryError
from collector.registry.sitemap import SITEMAP_BYTES, locations
from collector.registry.sites import Goal
from tests.builders import a_site

SITEMAP = b"""<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
        xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
  <url><loc>https://example.org/</loc><priority>1.0</priority></url>
  <url><loc>
    https://example.org/shop/?a=1&amp;b=2
  </loc><image:image><image:loc>https://example.org/picture.png</image:loc></image:image></url>
  <url><loc><![CDATA[https://www.example.org/%E6%9D%B1]]></loc></url>
  <url><loc>https://elsewhere.example/not-ours</loc></url>
</urlset>"""


def test_every_address_of_a_page_is_found() -> None:
    """Escaped and quoted addresses are read as they are meant; those of pictures are left."""
    assert locations(SITEMAP) == [
        "https://example.org/",
        "https://example.org/shop/?a=1&b=2",
        "https://www.example.org/%E6%9D%B1",
        "https://elsewhere.example/not-ours",
    ]


def test_paths_are_those_that_will_be_counted() -> None:
    """Queries, trailing slashes and other people's pages fall away, as they do for hits."""
    assert paths_of(io.BytesIO(SITEMAP), a_site()) == ["/", "/shop", "/東"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no <loc>"),
        (b"https://example.org/", "no <loc>"),
        (b"\xff\xfe<\x00l\x00", "UTF-8"),
        (b"<sitemapindex><loc>https://example.org/s.xml</loc></sitemapindex>", "index"),
        (bytes(SITEMAP_BYTES + 1), "50 MiB"),
    ],
)
def test_what_is_no_sitemap_is_refused(content: bytes, said: str) -> None:
    """Each with a sentence that says what it should be."""
    with pytest.raises(RegistryError, match=said):
        locations(content)


def test_a_sitemap_of_another_site_is_refused() -> None:
    """Declaring nothing at all is a mistake worth telling."""
    with pytest.raises(RegistryError, match=r"two\.example"):
        paths_of(io.BytesIO(SITEMAP), a_site(domain="two.example"))


def test_a_document_of_its_own_entities_expands_nothing() -> None:
    """Entities and references of a hostile file stay what they are: text."""
    hostile = (
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
        b"<urlset><url><loc>https://example.org/&f;&a;</loc></url></urlset>"
    )

    assert locations(hostile) == ["https://example.org/&f;&a;"]


def test_an_endless_element_costs_no_time() -> None:
    """A file of openings without ends is read in one pass."""
    assert locations(b"<loc>" * 200_000 + b"<loc>https://example.org/</loc>") == [
        "https://example.org/"
    ]


def test_goals_are_typed_in_one_word() -> None:
    """What begins with a slash is a page, anything else an event."""
    fields = named({"goals": ("Signup=signup", "Thanks=/thanks/*"), "zone": None, "public": False})

    assert fields == {
        "goals": (Goal("Signup", event="signup"), Goal("Thanks", path="/thanks/*")),
        "public": False,
    }


def test_a_list_is_emptied_only_by_name() -> None:
    """A list that is not named is left alone; one that is cleared becomes empty."""
    assert named({"goals": (), "own_paths": ()}, ("goal",)) == {"goals": ()}


def test_a_goal_without_a_meaning_is_refused() -> None:
    """A bare name says neither event nor page."""
    with pytest.raises(RegistryError, match="NAME=EVENT"):
        named({"goals": ("Signup",)})
