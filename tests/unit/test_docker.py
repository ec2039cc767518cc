"""The container, its proxies and its unit say what operations.md promises of them."""

from __future__ import annotations

import configparser
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from collector.app import DRAIN_SECONDS
from collector.server import GRACEFUL_SECONDS
from collector.service.scheduler import END_SECONDS
from collector.settings import load

DOCKER = Path(__file__).parents[2] / "docker"
LONGEST_STOP_S = 30


@pytest.fixture
def image() -> list[tuple[str, str]]:
    """Read the Dockerfile: each instruction and its words, lines joined."""
    text = (DOCKER / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


@pytest.fixture
def compose() -> dict[str, Any]:
    """Read the compose file."""
    told: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())
    return told


@pytest.fixture
def unit() -> configparser.SectionProxy:
    """Read the [Service] section of the unit; of a name given twice the last."""
    parsed = configparser.ConfigParser(strict=False, interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read(DOCKER / "systemd" / "footfall.service")
    return parsed["Service"]


def environment(image: list[tuple[str, str]]) -> dict[str, str]:
    """Give what the image's last stage sets."""
    words = " ".join(words for name, words in image if name == "ENV")
    return dict(re.findall(r"(FOOTFALL_\w+)=(\S+)", words))


def test_the_image_is_slim_in_stages_and_runs_as_nobody_of_importance(
    image: list[tuple[str, str]],
) -> None:
    """Two stages of the slim image; what serves is no root, and is told to stop by SIGTERM."""
    stages = [words.split()[0] for name, words in image if name == "FROM"]

    assert ["python:3.13-slim-bookworm"] * 2 == stages
    assert ("USER", "footfall") in image
    assert ("STOPSIGNAL", "SIGTERM") in image
    assert image.index(("USER", "footfall")) < [name for name, _ in image].index("ENTRYPOINT")
    assert any(
        name == "HEALTHCHECK" and words.endswith('CMD ["footfall", "healthcheck"]')
        for name, words in image
    )


def test_the_image_installs_what_is_locked(image: list[tuple[str, str]]) -> None:
    """Nothing is fetched but by hash, and what is copied is there."""
    runs = " ".join(words for name, words in image if name == "RUN")
    copied = [words.split()[0] for name, words in image if name == "COPY" and "--from" not in words]

    assert "--require-hashes --only-binary :all: -r requirements/base.txt" in runs
    assert "--no-deps --no-build-isolation --no-index ." in runs
    assert [] == [place for place in copied if not (DOCKER.parent / place).exists()]


def test_the_images_settings_are_settings(image: list[tuple[str, str]]) -> None:
    """The environment is one the service starts with; day secrets are apart from the data."""
    settings = load(environment(image), None)

    assert ("0.0.0.0", 8000, Path("/data")) == (settings.host, settings.port, settings.data_dir)
    assert "/run/footfall" == settings.secrets.runtime_dir


def test_compose_runs_one_service_read_only_with_secrets_in_memory(
    compose: dict[str, Any], image: list[tuple[str, str]]
) -> None:
    """A root that cannot be written, no capability, the secrets' folder on tmpfs, no way out."""
    service = compose["services"]["footfall"]
    tmpfs = dict(mount.split(":", 1) for mount in service["tmpfs"])

    assert service["read_only"]
    assert ["ALL"] == service["cap_drop"]
    assert environment(image)["FOOTFALL_SECRETS__RUNTIME_DIR"] in tmpfs
    assert "uid=10001" in tmpfs["/run/footfall"]
    assert ["data:/data"] == service["volumes"]
    assert "ports" not in service
    assert compose["networks"]["inside"]["internal"]
    assert {"inside"} == service["networks"].keys()


def test_compose_trusts_caddy_and_nobody_else(compose: dict[str, Any]) -> None:
    """The one trusted network is the address that Caddy has; the settings are settings."""
    services = compose["services"]
    told = services["footfall"]["environment"]
    address = services["caddy"]["networks"]["inside"]["ipv4_address"]
    public = {"FOOTFALL_PUBLIC_URL": "https://stats.example.org"}

    assert f"{address}/32" == told["FOOTFALL_TRUSTED_PROXIES"]
    assert (f"{address}/32",) == load({**told, **public}, None).trusted_proxies
    assert "service_healthy" == services["caddy"]["depends_on"]["footfall"]["condition"]


def test_whoever_stops_the_service_gives_it_its_time(
    compose: dict[str, Any], unit: configparser.SectionProxy
) -> None:
    """A stop takes 30 seconds at most, and both supervisors wait longer."""
    assert GRACEFUL_SECONDS + END_SECONDS + DRAIN_SECONDS < LONGEST_STOP_S
    assert LONGEST_STOP_S < int(compose["services"]["footfall"]["stop_grace_period"].rstrip("s"))
    assert LONGEST_STOP_S < int(unit["TimeoutStopSec"])


def test_the_unit_keeps_secrets_on_tmpfs_and_the_rest_closed(
    unit: configparser.SectionProxy,
) -> None:
    """The runtime folder outlives a restart of the service; no rights, no core dumps, no swap."""
    assert ("footfall", "restart") == (unit["RuntimeDirectory"], unit["RuntimeDirectoryPreserve"])
    assert "FOOTFALL_SECRETS__RUNTIME_DIR=/run/footfall" == unit["Environment"]
    assert ("strict", "yes", "yes") == (
        unit["ProtectSystem"],
        unit["NoNewPrivileges"],
        unit["DynamicUser"],
    )
    assert ("0", "0", "") == (
        unit["LimitCORE"],
        unit["MemorySwapMax"],
        unit["CapabilityBoundingSet"],
    )


def test_proxies_forward_one_address_log_nothing_and_never_try_twice() -> None:
    """Both overwrite the forwarding header and send each request once; see also F-13."""
    nginx = (DOCKER / "nginx" / "footfall.conf").read_text()
    caddy = (DOCKER / "caddy" / "Caddyfile").read_text()

    for words in (
        "proxy_set_header X-Forwarded-For $remote_addr;",
        "proxy_next_upstream off;",
        "access_log off;",
    ):
        assert words in nginx
    for words in ("header_up X-Forwarded-For {remote_host}", "lb_retries 0"):
        assert words in caddy
    assert not re.search(r"^\s*log\b", caddy, re.MULTILINE)
