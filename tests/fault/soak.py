"""Hold a steady load while service and server are killed, then judge: `make soak MINUTES=10`.

Half of the time the engine is in the service's process, half of the time a server
of its own, which is killed too. In the end the oracle derives every cell of every
view from the hits that were acknowledged. SEED repeats a run's chances.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.clickhouse_process import Front, a_front, new_database
from tests.fault.senders import TRUSTING, Stream
from tests.service import Service

MINUTES = float(os.environ.get("MINUTES", "10"))
SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1 << 32)
SITES = tuple(f"site-{number}.example" for number in range(12))
DELIVERED_S, TOLD, TOLD_OF_LOG = 120, 20, 5000


def main() -> int:
    """Soak both kinds of store; return 0 if nothing was lost or doubled."""
    print(f"seed {SEED}, {MINUTES:g} minutes", flush=True)
    chance = random.Random(SEED)
    wrong = []
    for name, kind in (("embedded", _embedded), ("server", _server)):
        with tempfile.TemporaryDirectory() as folder, kind(Path(folder)) as (service, front):
            wrong += [f"{name}: {one}" for one in _soak(name, service, front, chance)]
    print("\n".join(wrong[:TOLD]) or "verdict: every cell of every view is what the hits add up to")
    return 1 if wrong else 0


@contextmanager
def _embedded(folder: Path) -> Iterator[tuple[Service, None]]:
    with _ended(Service(folder / "data", SITES, environ=TRUSTING)) as service:
        yield service, None


@contextmanager
def _server(folder: Path) -> Iterator[tuple[Service, Front]]:
    with a_front(folder / "server") as front:
        environ = {**TRUSTING, "FOOTFALL_CLICKHOUSE_DSN": new_database(front)}
        with _ended(Service(folder / "data", SITES, environ=environ)) as service:
            yield service, front


@contextmanager
def _ended(service: Service) -> Iterator[Service]:
    try:
        yield service
    finally:
        if service.process is not None:
            service.kill()


def _soak(name: str, service: Service, front: Front | None, chance: random.Random) -> list[str]:
    stream, rounds, deaths = Stream(service), 0, Counter[str]()
    service.start()
    ends = time.monotonic() + MINUTES * 30
    while time.monotonic() < ends:
        rounds += 1
        if service.process is None:
            service.start()
        stream.start()
        time.sleep(chance.uniform(0.5, 5))
        victim = chance.choice(("service", "server", "both")) if front else "service"
        deaths[victim] += 1
        if front is not None and victim != "service":
            front.kill()
        if victim != "server":
            service.kill()
        stream.stop()
        if front is not None and victim != "service":
            front.start()
    if service.process is None:
        service.start()
    return _judged(name, f"{rounds} rounds, killed {dict(deaths)}", service, stream)


def _judged(name: str, summary: str, service: Service, stream: Stream) -> list[str]:
    hits = f"{len(stream.acknowledged)} of {len(stream.sent)} hits acknowledged"
    print(f"{name}: {summary}, {hits}", flush=True)
    try:
        service.wait_for(True, lambda: _counted(service) >= len(stream.acknowledged), DELIVERED_S)
    except AssertionError:
        ready = service.get("/readyz").body.decode()
        print(f"{name}: {_counted(service)} counted after {DELIVERED_S} s, {ready}")
        print(service.log.read_text()[-TOLD_OF_LOG:], flush=True)
    code = service.stop()
    return [*([f"exit code {code}"] if code else []), *stream.verdict_on(service)]


def _counted(service: Service) -> int:
    totals = [service.aggregate(site, "pageviews,events") for site in SITES]
    return sum(total["pageviews"] + total["events"] for total in totals)


if __name__ == "__main__":
    sys.exit(main())
