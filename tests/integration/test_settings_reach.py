"""Every setting reaches the part that obeys it: a service that is given it behaves otherwise."""

from __future__ import annotations

import asyncio
import shutil
import socket
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import unquote

import pytest

from collector.app import Footfall, create_app
from collector.errors import DeliveryError
from collector.registry.store import Registry
from collector.settings import Settings, environment_name, load, setting_names
from tests.asgi import ask, found, get, lifespan, post
from tests.builders import CHROME, FakeClock, a_body, a_receive, a_scope
from tests.service import Service, free_port, runtime_folder
from tests.unit.test_geo import NESTED, database

Given = Mapping[str, str]
Header = tuple[bytes, bytes]

SITES = ("example.org", "b.example")
PUBLIC = "https://stats.example.net"
CONTACT = "mailto:security@example.org"
GOOGLE = b"8.8.8.8"
NETWORK = "203.0.113.0/24"
PEER, NEIGHBOUR, SECOND_NEIGHBOUR = "203.0.113.1", "203.0.113.2", "203.0.113.3"
ELSEWHERE, THIRD_NETWORK, FOURTH_NETWORK = "198.51.100.1", "192.0.2.1", "198.18.0.1"
FROM_PUBLIC = (b"origin", PUBLIC.encode())
FORM = (b"content-type", b"application/x-www-form-urlencoded")
SILENT, OTHER_SERVER = free_port(), free_port()
ON_DISK = Path("footfall-data", "day-secrets")
RUNTIME = Path("/dev/shm", f"footfall-test-{uuid.uuid4().hex}")
# Without an engine a service takes hits all the same, and starts in a tenth of the time.
USUAL = {"clickhouse_dsn": f"http://127.0.0.1:{SILENT}", "secrets.store": "memory"}
EMBEDDED = {"clickhouse_dsn": ""}
TEN_MINUTES_INTO_THE_NEXT_DAY = 12 * 3600 + 600
# What the server alone obeys, in a process of its own.
SERVED = {"host": "127.0.0.2", "log_level": "error", "port": str(free_port())}


class Case(NamedTuple):
    """How to see that a setting is obeyed.

    Attributes:
        value: one that is not the default, as in the environment.
        observe: runs a service with settings by dotted name, and says what it does.
        expected: what it does with this value, and not by default.
        beside: further settings, of both services.
        in_doubt: whether the default is looked at too; not where that needs an engine, and what
            is observed says by itself that it can be otherwise.
    """

    value: str
    observe: Callable[[Given], Awaitable[object]]
    expected: object
    beside: Given = MappingProxyType({})
    in_doubt: bool = True


@dataclass
class Running:
    """A service, and a token that reads what became of a hit."""

    app: Footfall
    clock: FakeClock
    token: str

    async def hit(
        self, *headers: Header, peer: str = PEER, site: str = SITES[0]
    ) -> tuple[str, str]:
        """Send a pageview; give its outcome and the country it was counted under."""
        bearer = (b"authorization", b"Bearer " + self.token.encode())
        sent = ((b"user-agent", CHROME), bearer, *headers)
        answer = await post(self.app, a_body(d=site, u=f"https://{site}/"), *sent, peer=peer)
        outcome, *parts = unquote(answer.headers["x-footfall"]).split(";")
        places = [part.removeprefix("place=") for part in parts if part.startswith("place=")]
        return outcome, "".join(places).partition(",")[0]

    async def form(self, path: str, body: bytes, *headers: Header) -> tuple[int, str]:
        """Send a form; give the status and the cookies."""
        answer = await ask(self.app, a_scope(FORM, *headers, path=path), a_receive(body))
        return answer.status, answer.headers.get("set-cookie", "")


def settings_of(given: Given) -> Settings:
    """Read settings by dotted name as a service reads its environment."""
    return load({environment_name(name): value for name, value in {**USUAL, **given}.items()})


@asynccontextmanager
async def running(given: Given) -> AsyncIterator[Running]:
    """Run a service with settings by dotted name, by a clock that stands."""
    settings, clock = settings_of(given), FakeClock()
    found(settings, *SITES)
    with Registry(settings.registry_path) as registry:
        for site in SITES:
            registry.set_site(site, debug=True)
        token = registry.create_token("reader", None, ["read"])
    app = create_app(settings, clock)
    async with lifespan(app):
        yield Running(app, clock, token)


async def country(given: Given, header: Header) -> str:
    """Say which country a hit with a further header counts under."""
    async with running(given) as service:
        return (await service.hit(header))[1]


async def country_of_berlin(given: Given) -> str:
    """Say which country a hit counts under from a network that only a file of places knows."""
    database(Path("berlin.mmdb"), NESTED)
    async with running(given) as service:
        return (await service.hit(peer=THIRD_NETWORK))[1]


async def outcome(given: Given) -> str:
    """Say what becomes of a hit."""
    async with running(given) as service:
        return (await service.hit())[0]


async def folders(given: Given) -> set[str]:
    """Say which folders of the working folder a service writes to."""
    async with running(given) as service:
        await service.hit()
    return {path.relative_to(Path.cwd()).parts[0] for path in Path.cwd().rglob("*")}


async def day_secrets(given: Given, folder: Path) -> int:
    """Say how many files of a folder hold day secrets after a hit."""
    try:
        async with running(given) as service:
            await service.hit()
            return len(await asyncio.to_thread(lambda: list(folder.rglob("*"))))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def first_server_asked(given: Given) -> int:
    """Say at which port the store is looked for."""
    asked: asyncio.Queue[int] = asyncio.Queue()

    def note(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.put_nowait(writer.get_extra_info("sockname")[1])
        writer.close()

    servers = [await asyncio.start_server(note, "127.0.0.1", n) for n in (SILENT, OTHER_SERVER)]
    try:
        async with running(given), asyncio.timeout(30):
            return await asked.get()
    finally:
        for server in servers:
            server.close()


async def pages_that_know_the_origin(given: Given) -> list[bool]:
    """Say which pages know how they are reached: cookies, the notice, dashboards, security.txt."""
    async with running(given) as service:
        cookies = [
            (await service.form(path, b"choice=out"))[1].startswith("__Host-")
            for path in ("/opt-out", "/opt-out/widget")
        ]
        notice = await get(service.app, f"/privacy/{SITES[0]}.md")
        security = await get(service.app, "/.well-known/security.txt")
        status, _ = await service.form("/logout", b"", FROM_PUBLIC)
    written = [PUBLIC.encode() in page.body for page in (notice, security)]
    return [*cookies, *written, status != 403]


async def contact(given: Given) -> bool:
    """Say whether security.txt names the contact."""
    async with running(given) as service:
        answer = await get(service.app, "/.well-known/security.txt")
    return f"Contact: {CONTACT}\n".encode() in answer.body


async def answers_to_two_mebibytes(given: Given) -> set[int]:
    """Say how more hits than a small spool holds are answered while the store takes none."""
    words = "-".join(f"word{number}" for number in range(30))
    large = a_body(n="Large", p={f"key{number}": words for number in range(30)})
    seen: set[int] = set()
    async with running(given) as service:
        for _ in range(16):
            sent = [post(service.app, large) for _ in range(20)]
            seen |= {answer.status for answer in await asyncio.gather(*sent)}
    return seen


async def every_commit_waits(given: Given) -> bool:
    """Say whether no hit of some is acknowledged within 90 ms."""
    async with running(given) as service:
        for _ in range(5):
            began = time.perf_counter()
            await service.hit()
            if time.perf_counter() - began < 0.09:
                return False
    return True


async def days_due(given: Given) -> tuple[int, int]:
    """Say how many days are due ten minutes after midnight, and how many two hours later."""
    async with running(given) as service:
        await service.hit()
        container = service.app.container
        await asyncio.to_thread(container.delivery.flush)
        due = []
        for seconds in (TEN_MINUTES_INTO_THE_NEXT_DAY, 7200):
            service.clock.pass_by(seconds)
            due.append(len(await asyncio.to_thread(container.sealer.due_days, service.clock.now())))
    return due[0], due[1]


async def batches_of_four_hits(given: Given) -> int:
    """Say into how many batches four hits are put, though they cannot be delivered."""
    async with running(given) as service:
        container = service.app.container
        for _ in range(4):
            await service.hit()
        with pytest.raises(DeliveryError):
            await asyncio.to_thread(container.delivery.flush)
        return len(await asyncio.to_thread(container.spool.batches))


async def waits_in_the_spool(given: Given) -> tuple[bool, bool]:
    """Say whether a hit is still in the spool 6 s after it came, and after a flush."""
    async with running(given) as service:
        container = service.app.container
        await until(lambda: container.delivery.health().state == "ok", 30)
        await service.hit()
        waits = not await until(lambda: container.spool.stats().rows == 0, 6)
        await asyncio.to_thread(container.delivery.flush)
        return waits, container.spool.stats().rows > 0


async def until(true: Callable[[], bool], seconds: float) -> bool:
    """Wait until something is true, but not for ever; say whether it is."""
    ends = time.monotonic() + seconds
    while not true() and time.monotonic() < ends:  # noqa: ASYNC110 - a thread changes it
        await asyncio.sleep(0.02)
    return true()


SENDERS = {
    "address": [(PEER, SITES[0])] * 3 + [(NEIGHBOUR, SITES[0])],
    "network": [
        (PEER, SITES[0]),
        (NEIGHBOUR, SITES[0]),
        (SECOND_NEIGHBOUR, SITES[0]),
        (ELSEWHERE, SITES[0]),
    ],
    "site": [
        (PEER, SITES[0]),
        (ELSEWHERE, SITES[0]),
        (THIRD_NETWORK, SITES[0]),
        (FOURTH_NETWORK, SITES[1]),
    ],
    "instance": [
        (PEER, SITES[0]),
        (ELSEWHERE, SITES[1]),
        (THIRD_NETWORK, SITES[0]),
        (FOURTH_NETWORK, SITES[1]),
    ],
}
"""Three senders who share a limit, and a fourth who shares it with them only if all do."""


async def outcomes_at_once(given: Given, level: str) -> list[str]:
    """Say what becomes of four hits that come at the same instant."""
    async with running(given) as service:
        return [(await service.hit(peer=peer, site=site))[0] for peer, site in SENDERS[level]]


async def outcomes_in_time(given: Given) -> list[str]:
    """Say what becomes of two hits at the same instant, and of one a second later."""
    async with running(given) as service:
        seen = [(await service.hit())[0] for _ in range(2)]
        service.clock.pass_by(1)
        return [*seen, (await service.hit())[0]]


def limits(level: str) -> dict[str, Case]:
    """Give the cases of one level of limits."""
    fourth = "dropped:rate" if level == "instance" else "kept"
    return {
        f"limits.{level}_burst": Case(
            "2",
            partial(outcomes_at_once, level=level),
            ["kept", "kept", "dropped:rate", fourth],
            {f"limits.{level}_per_second": "0.01"},
        ),
        f"limits.{level}_per_second": Case(
            "0.01",
            outcomes_in_time,
            ["kept", "dropped:rate", "dropped:rate"],
            {f"limits.{level}_burst": "1"},
        ),
    }


CASES = {
    "data_dir": Case("chosen", folders, {"chosen"}),
    "clickhouse_dsn": Case(f"http://127.0.0.1:{OTHER_SERVER}", first_server_asked, OTHER_SERVER),
    "trusted_proxies": Case(
        f"{PEER}/32", partial(country, header=(b"x-forwarded-for", GOOGLE)), "US"
    ),
    "client_address_header": Case(
        "CF-Connecting-IP",
        partial(country, header=(b"cf-connecting-ip", GOOGLE)),
        "US",
        {"trusted_proxies": f"{PEER}/32"},
    ),
    "excluded_networks": Case(f"{NETWORK}", outcome, "dropped:excluded_network"),
    "geo_database": Case("berlin.mmdb", country_of_berlin, "DE"),
    "public_url": Case(
        PUBLIC, pages_that_know_the_origin, [True] * 5, {"security_contact": CONTACT}
    ),
    "security_contact": Case(CONTACT, contact, True),
    "spool.max_bytes": Case(str(1 << 20), answers_to_two_mebibytes, {202, 503}),
    "spool.commit_wait_ms": Case("100", every_commit_waits, True),
    "secrets.store": Case("disk", partial(day_secrets, folder=ON_DISK), 1),
    "secrets.runtime_dir": Case(
        str(RUNTIME), partial(day_secrets, folder=RUNTIME), 1, {"secrets.store": "runtime"}
    ),
    "seal.grace_s": Case("7200", days_due, (0, 1), EMBEDDED, in_doubt=False),
    "delivery.flush_interval_s": Case(
        "3600", waits_in_the_spool, (True, False), EMBEDDED, in_doubt=False
    ),
    "delivery.max_batch_hits": Case("1", batches_of_four_hits, 4),
    **limits("address"),
    **limits("network"),
    **limits("site"),
    **limits("instance"),
}


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let relative paths and day secrets lie where no other service's do."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(runtime_folder()))


@pytest.mark.anyio
@pytest.mark.parametrize("setting", [name for name in setting_names() if name not in SERVED])
async def test_every_setting_reaches_the_part_that_obeys_it(
    setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that is given a setting does what one that is not given it does not do."""
    case = CASES[setting]

    changed = await case.observe({**case.beside, setting: case.value})

    assert case.expected == changed
    if case.in_doubt:
        folder = tmp_path / "usual"
        folder.mkdir()
        monkeypatch.chdir(folder)
        assert case.expected != await case.observe(case.beside)


def listens_on(pid: int) -> list[tuple[str, int]]:
    """Return the IPv4 addresses and ports that a process listens on."""
    sockets = [str(opened.readlink()) for opened in Path(f"/proc/{pid}/fd").iterdir()]
    lines = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    return [
        (socket.inet_ntoa(bytes.fromhex(local[:8])[::-1]), int(local[9:], 16))
        for _, local, _, state, *rest in map(str.split, lines)
        if state == "0A" and f"socket:[{rest[5]}]" in sockets
    ]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Start a service with the settings of `SERVED`, and return what it does."""
    given = {**USUAL, **SERVED, "geo_database": "missing.mmdb"}
    environ = {environment_name(name): value for name, value in given.items()}
    folder = tmp_path_factory.mktemp("served")
    service = Service(folder / "data", (), environ=environ).start(wait=False)
    try:
        assert service.process is not None
        found: list[tuple[str, int]] = []
        ends = time.monotonic() + 60
        while not found and time.monotonic() < ends:
            time.sleep(0.05)
            with suppress(OSError):
                found = listens_on(service.process.pid)
        ((host, port),) = found
        warns = "geo database" in service.log.read_text()
    finally:
        service.kill()
    return {"host": host, "port": str(port), "log_level": "warning" if warns else "error"}


@pytest.mark.parametrize("setting", SERVED)
def test_every_setting_of_the_server_reaches_it(setting: str, served: dict[str, str]) -> None:
    """A started service listens on its host and port, and logs from its level on."""
    assert SERVED[setting] == served[setting]
