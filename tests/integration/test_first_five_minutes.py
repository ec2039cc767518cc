"""What an owner does first: from an empty folder to the numbers of their own domain."""

from __future__ import annotations

import re
import urllib.parse
from pathlib import Path

from tests.service import Service

PASSWORD = "correct horse battery"
SITE = "example.org"


def test_an_owner_goes_from_nothing_to_the_numbers_of_their_own_domain(tmp_path: Path) -> None:
    """Site, person and token are added, a visitor comes, and API and page show them."""
    service = Service(tmp_path / "data", public_sites=())
    added = service.footfall("site", "add", SITE, "--own-path", "/", "--own-path", "/pricing")
    user = service.footfall("user", "add", "ann", "--password-stdin", stdin=f"{PASSWORD}\n")
    token = service.footfall("token", "create", "reader", "--site", SITE).stdout.strip()
    assert (added.returncode, user.returncode) == (0, 0)

    with service:
        script = re.search(r'src="([^"]+)"', added.stdout)
        assert script is not None
        tracker = service.get(urllib.parse.urlsplit(script[1]).path)
        first = service.hit("/", site=SITE)
        second = service.hit("/pricing", site=SITE)
        service.wait_for(2, lambda: _pageviews(service, token))

        nobody = service.get(f"/{SITE}")
        cookie = _log_in(service)
        page = service.get(f"/{SITE}?period=day", {"Cookie": cookie})

    assert tracker.status == 200
    assert b"pageview" in tracker.body
    assert (first.status, first.body) == (second.status, second.body) == (202, b"ok")
    assert nobody.status in (302, 303)
    assert "/login" in _header(nobody.headers, "location")
    assert page.status == 200
    text = page.body.decode()
    assert SITE in text
    assert "/pricing" in text


def test_a_site_added_while_the_service_runs_counts_at_once(tmp_path: Path) -> None:
    """The service notices a new site by itself; no restart is needed."""
    with Service(tmp_path / "data", public_sites=()) as service:
        assert service.footfall("site", "add", SITE, "--public").returncode == 0

        def counted() -> bool:
            service.hit("/", site=SITE)
            answer = service.get(f"/api/v1/stats/aggregate?site_id={SITE}&period=day")
            return answer.status == 200 and answer.json()["results"]["visitors"]["value"] == 1

        service.wait_for(expected=True, ask=counted)


def _pageviews(service: Service, token: str) -> int:
    answer = service.get(
        f"/api/v1/stats/aggregate?site_id={SITE}&period=day&metrics=pageviews",
        {"Authorization": f"Bearer {token}"},
    )
    assert answer.status == 200, answer
    return int(answer.json()["results"]["pageviews"]["value"])


def _log_in(service: Service) -> str:
    """Log in as ann through the form, and give the cookie."""
    form = urllib.parse.urlencode({"name": "ann", "password": PASSWORD})
    answer = service.post(
        "/login",
        form.encode(),
        {
            "Content-Type": "application/x-www-form-urlencoded",
            "Sec-Fetch-Site": "same-origin",
        },
    )
    assert answer.status in (302, 303), answer
    return _header(answer.headers, "set-cookie").partition(";")[0]


def _header(headers: dict[str, str], name: str) -> str:
    return {key.lower(): value for key, value in headers.items()}.get(name, "")
