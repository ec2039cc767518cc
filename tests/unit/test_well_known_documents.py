"""What stands at the addresses where browsers and people look for promises."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from starlette.applications import Starlette

from collector.errors import SettingsError
from collector.settings import Settings, load
from collector.visitors.notice import TEXT_OF
from collector.visitors.well_known import routes, security_text, tracking_status
from tests.asgi import Answer, ask
from tests.builders import FakeClock, a_receive, a_scope, a_site, some_sites

CONTACT = "mailto:security@example.org"
PATHS = ("gpc.json", "dnt/", "dnt/example.org", "security.txt")


async def asked(path: str, *headers: tuple[bytes, bytes], contact: str = CONTACT) -> Answer:
    """Ask below `/.well-known/`."""
    settings = Settings(security_contact=contact)
    app = Starlette(routes=list(routes(settings, some_sites, FakeClock())))
    scope = a_scope(*headers, method="GET", path=f"/.well-known/{path}")
    return await ask(app, scope, a_receive())


@pytest.mark.anyio
async def test_global_privacy_control_is_declared() -> None:
    """The resource has the media type and the two members of the specification (R-19)."""
    answer = await asked("gpc.json")

    assert (200, "application/json") == (answer.status, answer.headers["content-type"])
    assert {"gpc": True, "lastUpdate": TEXT_OF.isoformat()} == answer.json()


@pytest.mark.anyio
async def test_the_tracking_status_is_not_tracking() -> None:
    """For the instance and for a site: N, and where to refuse all the same (R-21)."""
    instance, site = await asked("dnt/"), await asked("dnt/example.org")

    assert {"application/tracking-status+json"} == {
        answer.headers["content-type"] for answer in (instance, site)
    }
    assert {"tracking": "N", "config": "/opt-out"} == instance.json()
    assert {
        "tracking": "N",
        "config": "/opt-out",
        "controller": ["https://example.org/"],
        "policy": "/privacy/example.org",
    } == site.json()


@pytest.mark.anyio
async def test_an_unknown_site_has_no_status() -> None:
    """Nothing is claimed for a site that is not counted here."""
    assert 404 == (await asked("dnt/unknown.example")).status


@pytest.mark.anyio
@pytest.mark.parametrize("path", PATHS)
async def test_answers_are_the_same_for_all(path: str) -> None:
    """Whoever asks, with whatever cookie or signal, gets the same bytes, kept, and no cookie."""
    plain = await asked(path)

    marked = await asked(path, (b"cookie", b"optout=1; a=b"), (b"dnt", b"1"), (b"sec-gpc", b"1"))

    assert plain == marked
    assert "set-cookie" not in plain.headers
    assert ("public, max-age=86400", "N") == (plain.headers["cache-control"], plain.headers["tk"])


def test_security_txt_is_that_of_the_rfc() -> None:
    """Contact and Expires are there, and it expires within a year (RFC 9116)."""
    now = datetime(2026, 11, 23, 17, 30, tzinfo=UTC)
    settings = Settings(security_contact=CONTACT, public_url="https://stats.example.org")

    text = security_text(settings, now)

    fields = dict(re.findall(r"^([\w-]+): (.+)$", text, re.MULTILINE))
    assert CONTACT == fields["Contact"]
    expires = datetime.fromisoformat(fields["Expires"])
    assert timedelta(days=30) < expires - now < timedelta(days=365)
    assert "https://stats.example.org/.well-known/security.txt" == fields["Canonical"]


@pytest.mark.anyio
async def test_without_a_contact_there_is_no_security_txt() -> None:
    """Without a contact there is no file."""
    assert 404 == (await asked("security.txt", contact="")).status


@pytest.mark.parametrize("contact", ["security@example.org", "http://x.example", "mailto:a b"])
def test_a_contact_is_an_address(contact: str) -> None:
    """A wrong contact stops the start with a message that says what is expected."""
    with pytest.raises(SettingsError, match=r"mailto:security@example\.org"):
        load({"FOOTFALL_SECURITY_CONTACT": contact})


def test_the_status_is_plain_json() -> None:
    """The status of a site is valid JSON."""
    status = tracking_status(a_site())

    assert status == json.loads(json.dumps(status))
