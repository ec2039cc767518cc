"""Send the audit's signals through the handler of a real service, and see what they change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.audit import host_checks
from collector.audit.host_checks import Header, SignalEffect
from collector.audit.probe import effect
from collector.ingest.pipeline import IngestContext
from collector.service.container import build_container
from collector.settings import SecretsSettings as SecretSettings
from collector.settings import Settings


@pytest.fixture
def context(tmp_path: Path) -> Iterator[IngestContext]:
    """Build a service's container for the probe."""
    made = build_container(
        Settings(data_dir=tmp_path / "data", secrets=SecretSettings(store="memory"))
    )
    yield made.ingest
    made.close()


def test_each_signal_changes_what_it_should_at_the_real_door(context: IngestContext) -> None:
    """A refusal is counted as itself and its body not read; a normal hit reaches the journal."""
    found = {name: effect(context, header) for name, (header, _) in host_checks.SIGNALS.items()}

    assert found.pop("a normal hit") == SignalEffect(1, (), was_read=True)
    assert {(one.hits, one.was_read) for one in found.values()} == {(0, False)}
    assert {one.reasons for one in found.values()} == {("opt_out",), ("gpc",), ("dnt",)}
    assert list(host_checks.ignored_signals(lambda header: effect(context, header))) == []


def test_the_self_test_leaves_the_service_as_it_was(context: IngestContext) -> None:
    """Its visit is not among the visits, its secret not among the secrets."""
    effect(context, host_checks.SIGNALS["a normal hit"][0])

    assert context.visits.now_visitors(0, 0) == 0
    assert list(context.sites) == []


def test_a_signal_that_is_not_heeded_is_found(context: IngestContext) -> None:
    """As of a service whose handler ignores GPC, or that reads what it refuses."""

    def deaf(header: Header) -> SignalEffect:
        if header == (b"dnt", b"1"):
            return SignalEffect(0, ("dnt",), was_read=True)
        return effect(context, (b"x", b"1") if header[0] == b"sec-gpc" else header)

    assert list(host_checks.ignored_signals(deaf)) == [
        "Sec-GPC: 1 adds 1 hits and is counted under no reason, its body read",
        "DNT: 1 adds 0 hits and is counted under dnt, its body read",
    ]
