"""The promise of scrubbing: what could name a person is gone, and ordinary paths stay."""

from __future__ import annotations

import random
import string
import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.ingest.enrich.page import PageRules, parse_page, path_of
from collector.ingest.enrich.sources import KNOWN_SOURCES
from collector.privacy import scrub
from collector.privacy.personal_data import class_of_segment
from collector.privacy.scrub import (
    MAX_PATH,
    MAX_READ,
    decoded,
    forget,
    scrub_host,
    scrub_path,
    scrub_search,
    scrub_text,
    seen,
)
from tests.corpora import ENCODINGS, SHAPES, Positive, is_scrubbed, ordinary_paths, positives

CORPUS = positives()
CLASSES = {
    "john.doe+x@mail.example.co.uk": ":email",
    "john(at)example.org": ":email",
    "root@localhost": ":email",
    "info@1und1.de": ":email",
    "de305d54-75b4-431b-adb2-eb6b9e546014": ":uuid",
    "DE305D54-75B4-431B-ADB2-EB6B9E546014": ":uuid",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dGVzdA": ":jwt",
    "fee9ed5613d1086bc01b9d0a5a0e9867a009f571": ":hash",
    "deadbeef01234567": ":hash",
    "4111111111111111": ":card",
    "4111-1111-1111-1111": ":card",
    "DE89370400440532013000": ":iban",
    "NO93 8601 1117 947": ":iban",
    "192.168.13.7": ":ip",
    "ip-10-0-13-7": ":ip",
    "2001:db8::7": ":ip",
    "00:1b:44:11:3a:b7": ":mac",
    "+49 30 1234567": ":phone",
    "555-123-4567": ":phone",
    "078-05-1120": ":id",
    "QQ 12 34 56 C": ":id",
    "12345": ":num",
    "AKIAIOSFODNN7EXAMPLE": ":token",
    "sk_live_abcdefgh": ":token",
    "V1StGXR8_Z5jdHi6B-myT": ":token",
    "LrbzQwbxmMOdk_krvshmqA": ":token",
    "zqxjkvbpwmfgzqxjkvbpw": ":token",
    "sid=abc": ":token",
    "%41": ":token",
    "@alice": ":user",
    "~alice": ":user",
    "x" * 201: ":long",
}
HARMLESS = [
    "how-to-build-a-house-in-2024",
    "2024-01-15-storm-over-the-sea",
    "20241103-storm",
    "iPhone-16-Pro-Max-256GB-Black",
    "datenschutzerklaerung",
    "Rechtsschutzversicherung",
    "donaudampfschifffahrtsgesellschaft",
    "internationalization",
    "JavaScriptInternationalization",
    "v2.14.3",
    "b2b",
    "café",
    "über-uns",
    "日本語",
    "c++",
    "2.0",
    "9-to-5",
    "be20-best-of-the-year",
    "no24-ways-to-save-money",
    "(group)",
    "100%",
    "a,b",
]


@pytest.mark.parametrize("length", range(13, 20))
def test_a_card_number_has_a_valid_check_digit(length: int) -> None:
    """Of ten numbers that differ in the last digit one is a card; the others fail Luhn's check."""
    found = [class_of_segment(f"{'4539578763621486123'[: length - 1]}{last}") for last in range(10)]

    assert sorted(found) == [":card", *[":num"] * 9]


@pytest.mark.parametrize("number", ["4222222222222", "378282246310005", "6011000990139424"])
def test_a_test_number_of_a_card_company_is_a_card(number: str) -> None:
    """The check digit is the last of the number."""
    assert class_of_segment(number) == ":card"


@pytest.mark.parametrize(("segment", "named"), CLASSES.items())
def test_a_segment_that_could_name_a_person_becomes_its_class(segment: str, named: str) -> None:
    """Each shape of the declared list is replaced by the name of its class."""
    assert named == class_of_segment(segment)


@pytest.mark.parametrize("segment", HARMLESS)
def test_a_harmless_segment_stays(segment: str) -> None:
    """Titles, dates, versions, products and long words are no secrets."""
    assert segment == class_of_segment(segment)
    assert f"/a/{segment}" == scrub_path(f"/a/{segment}")


@pytest.mark.parametrize("shape", SHAPES)
def test_recall_on_texts_is_whole(shape: str) -> None:
    """A free text with any declared shape, in any declared encoding, is dropped."""
    leaks = [line for line in CORPUS if line.shape == shape and scrub_text(line.written, 2000)]

    assert [] == leaks


@pytest.mark.parametrize("shape", SHAPES)
def test_recall_within_a_sentence_is_whole(shape: str) -> None:
    """A shape between words makes the whole text go, not only itself."""
    lines = [line for line in CORPUS if line.shape == shape and line.encoding == "plain"]

    leaks = [line for line in lines if scrub_text(f"please find {line.written} here", 2000)]

    assert [] == leaks


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_recall_on_paths_is_whole(encoding: str) -> None:
    """A path segment of any declared shape leaves nothing of itself, however it was encoded."""
    lines = [line for line in CORPUS if line.encoding == encoding]

    leaks = [line for line in lines if not is_scrubbed(line, path_of(f"/a/{line.written}/b"))]

    assert [] == leaks


def test_the_corpus_is_as_large_as_promised() -> None:
    """The figures above are of at least two thousand lines of sixteen shapes."""
    assert len(CORPUS) >= 2000
    assert len({line.shape for line in CORPUS}) == 16


def test_ordinary_paths_stay() -> None:
    """Of ten thousand ordinary paths at most one in two hundred is changed."""
    paths = ordinary_paths(10_000)

    changed = [path for path in paths if ":" in path_of(path)]

    assert len(changed) <= 50


def test_random_tokens_are_recognised() -> None:
    """Of random base64url tokens of 20 signs and more, at most one in a thousand slips through."""
    rng = random.Random(7)
    alphabet = string.ascii_letters + string.digits + "-_"
    tokens = ["".join(rng.choices(alphabet, k=rng.randrange(20, 44))) for _ in range(5000)]

    missed = [token for token in tokens if class_of_segment(token) == token]

    assert len(missed) <= 5


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/reset/happy-panda", "/reset/:token"),
        ("/verify/abc/def/ghi", "/verify/:token"),
        ("/auth/login", "/auth/login"),
        ("/Invite/blue", "/Invite/:token"),
        ("/reset", "/reset"),
        ("/token/", "/token/"),
        ("/users/hans", "/users/:user"),
        ("/users/hans/photos", "/users/:user/photos"),
        ("/users/settings", "/users/settings"),
        ("/u/hans", "/u/:user"),
        ("/profile/hans", "/profile/:user"),
        ("/home/hans", "/home/:user"),
        ("/home/products", "/home/products"),
        ("/orders/:id/items", "/orders/:id/items"),
        ("/shirt-123456", "/shirt-:num"),
        ("/kunde_a1234567b/x", "/kunde_:num/x"),
        ("/@alice/post", "/:user/post"),
    ],
)
def test_what_follows_a_telling_word_is_cut(path: str, kept: str) -> None:
    """Names after `/users/` and secrets after `/reset/` go, pages of the site itself stay."""
    assert kept == scrub_path(path)


def test_an_owner_can_declare_user_pages_public() -> None:
    """Where profiles are the site's own pages, their names stay; numbers still go."""
    assert scrub_path("/users/hans", public_users=True) == "/users/hans"
    assert scrub_path("/users/123456", public_users=True) == "/users/:num"


@pytest.mark.parametrize(
    ("host", "kept"),
    [
        ("203.0.113.7", ":ip"),
        ("[2001:db8::7]", ":ip"),
        ("203.0.113.7.nip.io", ":ip.nip.io"),
        ("203-0-113-7.dyn.isp.example", ":ip.isp.example"),
        ("de305d54-75b4-431b-adb2-eb6b9e546014.example.net", ":uuid.example.net"),
        ("deadbeef01234567.cdn.example.net", ":hash.example.net"),
        ("user-1234567.example.net", "user-:num.example.net"),
        ("blog.example.net", "blog.example.net"),
        ("12345678.example", "12345678.example"),
        ("xn--bcher-kva.shop.example", "xn--bcher-kva.shop.example"),
        ("a.b.c.d.example.co.uk", "a.b.c.d.example.co.uk"),
        ("intranet", "intranet"),
        ("", ""),
    ],
)
def test_what_stands_before_a_registered_name_is_scrubbed(host: str, kept: str) -> None:
    """Addresses, also as providers write them into names, and tokens go; public names stay."""
    assert kept == scrub_host(host)


def test_no_host_of_the_known_sources_is_scrubbed() -> None:
    """What our own table names is nobody's secret."""
    hosts = [host for host in KNOWN_SOURCES._hosts if scrub_host(host) != host]

    assert len(KNOWN_SOURCES._hosts) > 300
    assert [] == hosts


def test_a_long_path_is_cut_between_segments() -> None:
    """A cut may not halve a secret into something harmless-looking."""
    path = "/" + "/".join(["seg-ment"] * 200)

    kept = scrub_path(path)

    assert len(kept) <= MAX_PATH
    assert path.startswith(kept + "/")


def test_a_path_of_one_endless_segment_is_named_long() -> None:
    """A megabyte without a slash is no page."""
    assert scrub_path("/" + "a" * 1_000_000) == "/:long"


def test_an_endless_text_is_dropped() -> None:
    """What is longer than we read is not kept."""
    assert scrub_text("a " * MAX_READ) == ""


def test_a_text_that_folds_to_an_endless_one_is_dropped() -> None:
    """One sign that NFKC makes eighteen of cannot carry a text past the limit."""
    assert scrub_text("ﷺ" * (MAX_READ - 1)) == ""


def test_no_more_is_folded_than_shows_that_it_is_too_long() -> None:
    """Folding all of it would take longer than everything else: a beginning is enough."""
    folded = seen("ﷺ" * MAX_READ)

    assert MAX_READ < len(folded) < 3 * MAX_READ


@given(st.text("aé\u0301\u0308\u1100\u1161\u11a8ﬃ ", min_size=200, max_size=600))
def test_what_is_not_too_long_is_folded_as_a_whole(text: str) -> None:
    """Signs that become one are folded together, wherever in the text they stand."""
    assert seen(text) == unicodedata.normalize("NFKC", text)


def test_a_long_tail_hides_nothing() -> None:
    """White space that goes when it is made single does not make an endless text a short one."""
    assert scrub_text("\u3000" * 1900 + "ﷺ" * 20 + " jo@example.org") == ""


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Spring  Sale\n2025", "Spring Sale 2025"),
        ("newsletter-20251103", "newsletter-20251103"),
        ("50% off", "50% off"),
        ("at 12:30:45", "at 12:30:45"),
        ("call +49 30 1234567 now", ""),
        ("mail me: jo@example.org", ""),
        ("order 123456", ""),
        ("jo%40example.org", ""),
        ("jo%2540example.org", ""),
        ("12\u200b345", ""),
        ("ｊｏ＠ｅｘａｍｐｌｅ．ｏｒｇ", ""),
        ("-----BEGIN RSA PRIVATE KEY-----", ""),
        ("", ""),
        ("   ", ""),
    ],
)
def test_a_text_is_kept_whole_or_not_at_all(text: str, kept: str) -> None:
    """A free text with something personal in it is dropped; others only lose odd spaces."""
    assert kept == scrub_text(text)


def test_a_text_is_capped_after_it_was_looked_at() -> None:
    """A secret behind the cap still makes the text go."""
    assert scrub_text("word " * 30 + "jo@example.org", cap=20) == ""
    assert scrub_text("word " * 30, cap=20) == "word word word word"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Red Shoes", "red shoes"),
        ("one two three four five six seven", "one two three four five six"),
        ("1234", ""),
        ("12 34", ""),
        ("windows 11", "windows 11"),
        ("jo@example.org", ""),
        ("", ""),
    ],
)
def test_a_search_is_short_lower_case_and_no_number(typed: str, kept: str) -> None:
    """What was searched is kept as at most six lower-case words; a mere number is somebody's."""
    assert kept == scrub_search(typed)


def test_decoding_stops_after_three_rounds() -> None:
    """What is encoded oftener than that stays encoded, and is then taken for a token."""
    four_times = quote(quote(quote(quote("@", safe=""), safe=""), safe=""), safe="")

    assert decoded(four_times) == "%40"
    assert class_of_segment(decoded(four_times)) == ":token"


@given(st.text(max_size=300))
def test_scrubbing_a_path_twice_changes_nothing(text: str) -> None:
    """A scrubbed path scrubs to itself, so that it does not matter who scrubs again."""
    once = scrub_path("/" + text)

    assert once == scrub_path(once)
    assert len(once) <= MAX_PATH


@given(st.text(max_size=300))
def test_scrubbing_a_text_twice_changes_nothing(text: str) -> None:
    """A scrubbed text scrubs to itself."""
    once = scrub_text(text)

    assert once == scrub_text(once)


_BEFORE = st.text(alphabet=string.ascii_lowercase + "-/ ", max_size=40)


@given(st.sampled_from([line for line in CORPUS if line.encoding == "plain"]), _BEFORE, _BEFORE)
def test_a_secret_anywhere_in_an_address_is_gone(line: Positive, before: str, after: str) -> None:
    """Wherever in an address a secret stands, no field of the page holds it."""
    secret = line.secret
    written = quote(secret, safe="")
    url = (
        f"https://{quote(before)}:{written}@example.org/{quote(before)}/{written}/{quote(after)}"
        f"?{quote(before)}={written}&token={written}&search={quote(after)}%20{written}#{written}"
    )

    page = parse_page(url, hash_mode=True, rules=PageRules(search_parameter="search"))

    assert secret not in f"{page.hostname} {page.path} {page.query} {page.search}"


def test_forgetting_empties_the_caches() -> None:
    """When day secrets go, nothing that browsers sent stays behind in a cache."""
    scrub_path("/users/hans-in-memory")
    scrub_text("order 1234567")
    scrub_host("hans.example.net")

    forget()

    caches = (scrub._scrubbed_path, scrub._scrubbed_text, scrub_host)
    assert [0, 0, 0] == [cache.cache_info().currsize for cache in caches]
