"""Drive the whole application in this process, below HTTP: scopes in, messages out."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from collector.app import Footfall, create_app
from collector.clock import Clock
from collector.privacy.consent import Message, Receive, Scope, Send
from collector.registry.store import Registry
from collector.settings import SecretsSettings, Settings
from tests.builders import CHROME, a_receive, a_scope

Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Answer(NamedTuple):
    """What an application sent back.

    Attributes:
        headers: by lower-case name; the last of those sent twice.
        raw: all headers in their order.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    raw: list[tuple[str, str]]

    def json(self) -> Any:
        """Decode the body."""
        return orjson.loads(self.body)


def some_settings(data_dir: Path, **changes: Any) -> Settings:
    """Build settings of a service of its own, whose day secrets live in memory."""
    return Settings(**{"data_dir": data_dir, "secrets": SecretsSettings(store="memory"), **changes})


def found(settings: Settings, *domains: str) -> None:
    """Make a data directory with these sites, all of them public."""
    settings.data_dir.mkdir(exist_ok=True)
    registry = Registry(settings.registry_path)
    for domain in domains:
        registry.add_site(domain, public=True)
    registry.close()


@contextlib.asynccontextmanager
async def running(
    data_dir: Path, *domains: str, clock: Clock | None = None, **settings: Any
) -> AsyncIterator[Footfall]:
    """Run the application with these sites, all of them public, from start to clean stop."""
    chosen = some_settings(data_dir, **settings)
    found(chosen, *(domains or ("example.org",)))
    app = create_app(chosen, clock)
    async with lifespan(app):
        yield app


@contextlib.asynccontextmanager
async def lifespan(app: Footfall) -> AsyncIterator[None]:
    """Start an application as a server does, and stop it."""
    asked: asyncio.Queue[Message] = asyncio.Queue()
    told: asyncio.Queue[Message] = asyncio.Queue()
    task = asyncio.create_task(app({"type": "lifespan"}, asked.get, told.put))
    await asked.put({"type": "lifespan.startup"})
    started = await told.get()
    assert started["type"] == "lifespan.startup.complete", started
    try:
        yield
    finally:
        await asked.put({"type": "lifespan.shutdown"})
        stopped = await told.get()
        await task
        assert stopped["type"] == "lifespan.shutdown.complete", stopped


async def ask(app: Application, scope: Scope, receive: Receive) -> Answer:
    """Send one request and collect the answer."""
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, send)
    start, *rest = messages
    raw = [(name.decode().lower(), value.decode()) for name, value in start["headers"]]
    body = b"".join(part.get("body", b"") for part in rest)
    return Answer(start["status"], dict(raw), body, raw)


async def post(app: Footfall, body: bytes, *headers: tuple[bytes, bytes], **scope: Any) -> Answer:
    """Send a body to the event route, as a Chrome unless headers are given."""
    sent = headers or ((b"user-agent", CHROME),)
    return await ask(app, a_scope(*sent, **scope), a_receive(body))


async def get(app: Footfall, path: str, *headers: tuple[bytes, bytes]) -> Answer:
    """Ask for a page, its query behind a question mark."""
    path, _, query = path.partition("?")
    scope = a_scope(*headers, method="GET", path=path, query=query.encode())
    return await ask(app, scope, a_receive())
