"""Check how the tracker is served: the same bytes for everyone, kept as long as they may be."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from collector.ingest.tracker_script import STABLE_PATH, Tracker, load, routes

SCRIPT = b"(()=>{console.log('footfall')})()" * 20


@pytest.fixture
def tracker(tmp_path: Path) -> Tracker:
    """Load a script from a file."""
    (tmp_path / "footfall.js").write_bytes(SCRIPT)
    return load(tmp_path / "footfall.js")


@pytest.fixture
def client(tracker: Tracker) -> Iterator[TestClient]:
    """Serve that script and nothing else."""
    with TestClient(Starlette(routes=routes(tracker))) as found:
        yield found


def test_stable_path_gives_the_script(client: TestClient) -> None:
    """The stable path gives the built bytes as JavaScript that any page may load."""
    answer = client.get(STABLE_PATH)

    assert 200 == answer.status_code
    assert SCRIPT == answer.content
    assert "text/javascript; charset=utf-8" == answer.headers["content-type"]
    assert "cross-origin" == answer.headers["cross-origin-resource-policy"]
    assert "*" == answer.headers["access-control-allow-origin"]
    assert "nosniff" == answer.headers["x-content-type-options"]
    assert "public, max-age=3600, must-revalidate" == answer.headers["cache-control"]


def test_versioned_path_never_changes(client: TestClient, tracker: Tracker) -> None:
    """The path that names the bytes may be kept for ever."""
    answer = client.get(tracker.versioned_path)

    assert SCRIPT == answer.content
    assert "public, max-age=31536000, immutable" == answer.headers["cache-control"]


def test_other_versions_are_not_there(client: TestClient) -> None:
    """A path that names other bytes is not found."""
    assert 404 == client.get("/js/footfall.0123456789ab.js").status_code


def test_versioned_path_follows_the_bytes(tracker: Tracker, tmp_path: Path) -> None:
    """Other bytes have another path, entity tag and integrity."""
    (tmp_path / "other.js").write_bytes(SCRIPT + b";")

    other = load(tmp_path / "other.js")

    assert tracker.versioned_path != other.versioned_path
    assert tracker.etag != other.etag
    assert tracker.integrity != other.integrity


def test_integrity_is_that_of_the_bytes(tracker: Tracker) -> None:
    """The integrity is the SHA-384 of the script, in base64, as browsers compute it."""
    digest = base64.b64encode(hashlib.sha384(SCRIPT).digest()).decode()

    assert f"sha384-{digest}" == tracker.integrity


def test_bytes_are_the_same_for_everyone(client: TestClient) -> None:
    """Neither a refusal nor a cookie nor a user agent changes a byte or a header."""
    plain = client.get(STABLE_PATH)

    for headers in ({"DNT": "1"}, {"Sec-GPC": "1"}, {"Cookie": "optout=1"}, {"User-Agent": "x"}):
        answer = client.get(STABLE_PATH, headers=headers)
        assert plain.content == answer.content
        assert plain.headers == answer.headers
    assert "Accept-Encoding" == plain.headers["vary"]
    assert "set-cookie" not in plain.headers


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip", "gzip"),
        ("br, gzip;q=0.5", "gzip"),
        ("*", "gzip"),
        ("GZIP", "gzip"),
        ("br", None),
        ("gzip;q=0", None),
        ("gzip; q=0.000", None),
        ("identity", None),
        ("", None),
    ],
)
def test_encoding_is_what_was_asked_for(
    client: TestClient, tracker: Tracker, accepted: str, encoding: str | None
) -> None:
    """The script is gzipped for those who take it so, and only for them."""
    answer = client.get(STABLE_PATH, headers={"Accept-Encoding": accepted})

    assert encoding == answer.headers.get("content-encoding")
    assert str(len(tracker.zipped if encoding else SCRIPT)) == answer.headers["content-length"]
    assert SCRIPT == answer.content


def test_zipped_script_is_the_script(tracker: Tracker) -> None:
    """What is served zipped unpacks to the built bytes, and is smaller."""
    assert SCRIPT == gzip.decompress(tracker.zipped)
    assert len(tracker.zipped) < len(SCRIPT)


@pytest.mark.parametrize("known", ["{}", "{strong}", '"other", {}', "*"])
def test_known_script_is_not_sent_again(client: TestClient, tracker: Tracker, known: str) -> None:
    """A browser that names the script's tag gets 304 and no bytes."""
    tag = known.format(tracker.etag, strong=tracker.etag.removeprefix("W/"))

    answer = client.get(STABLE_PATH, headers={"If-None-Match": tag})

    assert 304 == answer.status_code
    assert b"" == answer.content
    assert tracker.etag == answer.headers["etag"]


@pytest.mark.parametrize("known", ['"other"', "", 'W/""'])
def test_unknown_tag_gets_the_script(client: TestClient, known: str) -> None:
    """A browser that names another tag gets the script."""
    answer = client.get(STABLE_PATH, headers={"If-None-Match": known})

    assert 200 == answer.status_code
    assert SCRIPT == answer.content


def test_head_has_no_bytes(client: TestClient) -> None:
    """HEAD tells the length and gives no bytes."""
    answer = client.head(STABLE_PATH, headers={"Accept-Encoding": ""})

    assert 200 == answer.status_code
    assert str(len(SCRIPT)) == answer.headers["content-length"]
    assert b"" == answer.content


def test_nothing_can_be_posted(client: TestClient) -> None:
    """The tracker's path takes nothing."""
    assert 405 == client.post(STABLE_PATH).status_code


def test_missing_build_says_how_to_build(tmp_path: Path) -> None:
    """Without a built script the collector does not start, and says what to run."""
    with pytest.raises(FileNotFoundError, match=r"python hatch_build\.py"):
        load(tmp_path / "none.js")
