"""Feed decoding and assembling whatever a fuzzer thinks of: no error but the declared ones.

Needs atheris 3, which is no dependency of ours; from the root, with `pip install atheris`:

    python -m tests.bench.fuzzing -max_total_time=600 CORPUS_FOLDER

An input is a format's letter, a body and headers, separated by newlines; what
libFuzzer is told on the command line goes to it. The record of the last long
run is in docs/benchmarks.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import orjson

atheris: Any = import_module("atheris")

with atheris.instrument_imports(include=["collector.ingest", "collector.privacy"]):
    from collector.errors import PayloadError
    from collector.hit import Refusal
    from collector.ingest import payload
    from collector.ingest.formats import batch, goatcounter, goatcounter_batch, plausible, umami
    from collector.ingest.pipeline import BuiltHit, SenderOverrides, build_hit, forget_visitors
    from collector.ingest.rate_limit import Rate, RateLimiter, Rates
    from collector.ingest.site_rules import SiteRules
    from collector.privacy.address import Networks
    from collector.privacy.consent import decide, decide_relayed
    from collector.registry.sites import Goal
    from collector.spool.encryption import encode_hit
    from tests.builders import a_context, a_receive, a_scope, a_site, some_sites

VECTORS: Final = Path(__file__).resolve().parents[1] / "vectors/peers.json"
HEADERS: Final = (
    b"user-agent",
    b"origin",
    b"accept-language",
    b"x-forwarded-for",
    b"cookie",
    b"sec-ch-ua",
    b"sec-ch-ua-platform",
    b"referer",
)
FORGET_EVERY: Final = 50_000
_FAST: Final = Rate(1e9, 1_000_000_000)
_RULES: Final = SiteRules(
    excluded_paths=("/private/*",), goals=(Goal("Shop", path="/shop/*/done"), Goal("Signup"))
)

Read = Iterator[tuple[payload.Payload, SenderOverrides | None]]


class Fuzzed:
    """What runs once for each input."""

    def __init__(self) -> None:
        """Make an intake without limits, behind a proxy, so that every header is read."""
        self._intake = a_context(
            sites=some_sites(a_site(), a_site(id=2, domain="strict.example", profile="strict")),
            limits=RateLimiter(Rates(address=_FAST, network=_FAST, site=_FAST, instance=_FAST)),
            trusted_proxies=Networks(["198.51.100.0/24"]),
            rules={1: _RULES},
        )
        self.runs = self.payloads = self.hits = 0

    def __call__(self, data: bytes) -> None:
        """Take one input through decoding, assembling and encoding; undo every other visit."""
        self.runs += 1
        if self.runs % FORGET_EVERY == 0:
            forget_visitors()
        letter, body, *values = [*data.split(b"\n", len(HEADERS) + 1), b""]
        headers = list(zip(HEADERS, values, strict=False))
        admitted = decide(a_scope(*headers), a_receive(body))
        if isinstance(admitted, Refusal):
            return
        try:
            for payload, told in READERS[letter[0] % len(READERS) if letter else 0](body):
                self.payloads += 1
                for name in ("example.org", "strict.example"):
                    made = build_hit(payload, admitted, self._intake, name, told)
                    if isinstance(made, BuiltHit):
                        self.hits += 1
                        encode_hit(made.hit)
                        if self.runs % 2:
                            made.undo()
        except PayloadError:
            return


def _plausible(body: bytes) -> Read:
    yield plausible.decode_plausible(body), None


def _umami(body: bytes) -> Read:
    event = umami.event_of(payload.convert(umami.UmamiMessage, payload.parse_json(body)))
    if event is not None:
        yield umami.payload_of(event, "example.org"), None


def _goatcounter(body: bytes) -> Read:
    yield goatcounter.payload_of(goatcounter.query_of(body), "example.org"), None


def _relayed(body: bytes) -> Read:
    for hit in batch.parse_batch(body):
        yield from _one(hit)


def _relayed_goatcounter(body: bytes) -> Read:
    for hit in goatcounter_batch.parse_goatcounter_batch(body):
        goatcounter_batch.country_stated(hit)
        goatcounter_batch.asks_for_filtered(hit)
        yield from _one(goatcounter_batch.from_goatcounter(hit, "example.org"))


def _one(hit: dict[str, object]) -> Read:
    signals = batch.signals_of(hit)
    if not isinstance(decide_relayed(signals, lambda: batch.sender_of(hit)), Refusal):
        yield batch.payload_of_hit(hit), batch.overrides_of(hit)


READERS: Final[tuple[Callable[[bytes], Read], ...]] = (
    _plausible,
    _umami,
    _goatcounter,
    _relayed,
    _relayed_goatcounter,
)


def _seeds() -> Iterator[bytes]:
    headers = (
        b"Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0.0.0\nhttps://example.org\nde-AT,de;q=0.9"
    )
    for vector in orjson.loads(VECTORS.read_bytes()):
        letter = b"\1" if vector["path"] == "/api/send" else b"\0"
        yield b"\n".join((letter, vector["body"].encode(), headers))
    ours = b'{"hits":[{"name":"Buy","url":"https://example.org/shop?utm_source=x","ip":"192.0.2.1",'
    ours += b'"time":1795262400,"visitor":"v1","user_agent":"App/1","revenue":{"amount":"9.90",'
    yield b"\3\n" + ours + b'"currency":"EUR"},"gpc":"0"}]}\n' + headers
    yield (
        b'\4\n{"filter":["ip"],"hits":[{"path":"/a","session":"s","ref":"https://t.co/x",'
        b'"location":"NL","size":[9,9]}]}\n' + headers
    )
    yield b"\2\np=%2Fblog&r=https%3A%2F%2Fbing.com&s=1920%2C1080&q=%3Fcampaign%3Dx\n" + headers


def main(arguments: list[str]) -> None:
    """Write the seeds into the corpus folder, which is the last argument, and fuzz."""
    corpus = Path(arguments[-1])
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(_seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    fuzzed = Fuzzed()

    def told(data: bytes) -> None:
        fuzzed(data)
        if fuzzed.runs % 100_000 == 0:
            print(f"{fuzzed.runs} runs, {fuzzed.payloads} payloads, {fuzzed.hits} hits", flush=True)

    atheris.Setup(arguments, told)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
