"""A service that counts marked visitors, seals their day and then holds still to be searched.

`python -m tests.integration.forgetful FOLDER WORD…`: words are masked, for what
this file or its arguments spelled out would be found in memory for ever. Says a
line of JSON while the day is open and one after it was sealed, and waits for a
line after each.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from pathlib import Path
from typing import Any

from collector.ingest.formats.plausible import PlausibleHandler
from collector.service.container import Container, build_container
from collector.settings import SecretsSettings, Settings
from tests.builders import CHROME, FakeClock, a_receive, a_scope

MASK = bytes(byte ^ 0xA5 for byte in range(256))
DAY_S = 86_400


def masked(word: bytes) -> bytes:
    """Write a word so that it is not found; done twice it is as before."""
    return word.translate(MASK)


def living(words: list[bytes]) -> list[int]:
    """Count the texts and bytes that live objects hold and in which a masked word occurs."""
    found, seen, waiting = [0] * len(words), set[int](), gc.get_objects()
    texts = set[int]()
    while waiting:
        for held in gc.get_referents(waiting.pop()):
            if isinstance(held, str | bytes | bytearray) and id(held) not in texts:
                texts.add(id(held))
                content = held.encode("utf-8", "surrogatepass") if isinstance(held, str) else held
                hidden = content.translate(MASK)
                for place, word in enumerate(words):
                    found[place] += word in hidden
            elif not gc.is_tracked(held) and id(held) not in seen:
                seen.add(id(held))
                waiting.append(held)
    return found


async def come(container: Container, words: list[bytes]) -> None:
    """Send marked hits, good and bad, through the handler."""
    handler = PlausibleHandler(container, container.spool, container.counters)
    address, agent, token, cookie = map(masked, words)
    url = b"https://example.org/a?token=" + token
    for body in (
        b'{"n":"pageview","d":"example.org","u":"' + url + b'","r":"https://x.example/?q=' + token,
        b'{"n":"pageview","d":"example.org","u":"' + url + b'"}',
        b'{"n":"pageview","d":"nobody.example","u":"' + url + b'"}',
    ):
        headers = [
            (b"user-agent", CHROME + b" " + agent),
            (b"cookie", b"session=" + cookie),
            (b"x-forwarded-for", address),
        ]
        await handler(a_scope(*headers, peer="127.0.0.1"), a_receive(body), _unheard)


async def _unheard(_: Any) -> None:
    return


def say(container: Container, secret: bytes, words: list[bytes]) -> None:
    """Tell what lives, then hold still."""
    gc.collect()
    rows = container.store.query(
        "SELECT sum(pageviews) FROM sealed_cells WHERE view = 1 AND grain = 0"
    )
    told = {"secret": secret.hex(), "living": living([secret, *words]), "sealed": int(rows[0][0])}
    print(json.dumps(told), flush=True)
    sys.stdin.readline()


def main() -> None:
    """Count, say, seal, say."""
    folder, words = Path(sys.argv[1]), [bytes.fromhex(word) for word in sys.argv[2:]]
    clock = FakeClock()
    settings = Settings(
        data_dir=folder, secrets=SecretsSettings(store="memory"), trusted_proxies=("127.0.0.1/32",)
    )
    container = build_container(settings, clock)
    container.registry.add_site("example.org")
    container.prepare()
    container.spool.start()
    container.read_sites()
    asyncio.run(come(container, words))
    (secret,) = [masked(given) for given in container.secrets._given.values()]
    say(container, secret, words)
    container.delivery.flush()
    clock.pass_by(DAY_S)
    container.sealer.run_once()
    container.visits.sweep(clock.now())
    say(container, secret, words)
    container.close()


if __name__ == "__main__":
    main()
