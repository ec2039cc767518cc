"""F-12: no order of hits, midnights, set clocks and restarts makes a cell negative."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.day import day_at
from collector.hit import Hit, Kind
from collector.ingest.pipeline import BuiltHit, IngestContext, build_hit
from collector.ingest.visits import Visits
from collector.privacy.day_secrets import DaySecrets
from collector.registry.sites import Sites
from collector.spool.spool import Spool
from tests.builders import a_context, a_payload, a_site, an_admitted
from tests.fault.jumping import JumpingClock
from tests.fault.oracle import SUMS as NAMES
from tests.fault.oracle import cells_of_hits
from tests.spooling import a_spool, append

SITES = Sites(
    (
        a_site(zone="UTC"),
        a_site(id=2, domain="chatham.example", zone="Pacific/Chatham"),
        a_site(id=3, domain="pago.example", zone="Pacific/Pago_Pago"),
    )
)
HIT = st.tuples(
    st.just("hit"),
    st.integers(0, 2),
    st.integers(1, 2),
    st.sampled_from(("/", "/a", "/b")),
    st.sampled_from(Kind),
    st.sampled_from(("kept", "kept", "fails")),
)
FATE = st.one_of(
    st.tuples(st.just("pause"), st.sampled_from((1, 60, 1000, 1801, 20_000, 45_000))),
    st.tuples(st.just("midnight"), st.integers(0, 2)),
    st.tuples(st.just("set"), st.sampled_from((-1800, -60, 60, 1800))),
    st.tuples(st.sampled_from(("restart", "kill"))),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(HIT | HIT | HIT | FATE, min_size=20, max_size=60))
def test_f_12_no_schedule_makes_a_cell_negative(steps: list[Any]) -> None:
    """Hits, failures, pauses, midnights, clocks set and restarts in any order: no cell below 0."""
    with tempfile.TemporaryDirectory() as folder:
        kept = World(Path(folder)).live(steps)

    cells = cells_of_hits(kept)

    assert [] == [
        (cell, name)
        for cell, sums in cells.items()
        for name, number in zip((*NAMES, "visitors"), sums, strict=True)
        if number < 0
    ]


class World:
    """One collector's life: what it takes hits with, and what it kept in its spool."""

    def __init__(self, folder: Path) -> None:
        """Begin at a noon, with nothing."""
        self.folder = folder
        self.clock = JumpingClock()
        self.secrets = DaySecrets(None, self.clock, "memory")
        self.visits = Visits()
        self.kept: list[Hit] = []

    def live(self, steps: list[Any]) -> list[Hit]:
        """Do one step after the other; return the hits that were kept."""
        while steps:
            with a_spool(self.folder, clock=self.clock) as spool:
                self.visits.load(spool.load_visits(), self.clock.now())
                steps = self._until_restart(steps, spool)
            self.visits = Visits()
        return self.kept

    def _until_restart(self, steps: list[Any], spool: Spool) -> list[Any]:
        for number, (name, *words) in enumerate(steps):
            if name == "kill":
                return steps[number + 1 :]
            if name == "restart":
                spool.save_visits(self.visits.dump(self.clock.now()))
                return steps[number + 1 :]
            getattr(self, name)(*words, *([spool] if name == "hit" else []))
        return []

    def hit(self, site: int, visitor: int, path: str, kind: Kind, fate: str, spool: Spool) -> None:
        """Take a hit; one that fails is never durable, and taken back."""
        domain = list(SITES)[site].domain
        made = build_hit(
            a_payload(kind=kind, name="buy", url=f"https://{domain}{path}", scroll=50),
            an_admitted(peer=f"198.51.100.{visitor}"),
            self.context(),
            domain,
        )
        assert isinstance(made, BuiltHit)
        if fate == "fails":
            made.undo()
        else:
            assert [True] == append(spool, [made.hit])
            self.kept.append(made.hit)

    def context(self) -> IngestContext:
        """Give what assembling needs."""
        return a_context(clock=self.clock, sites=SITES, secrets=self.secrets, visits=self.visits)

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.pass_by(seconds)

    def midnight(self, site: int) -> None:
        """Let time pass until a second before a site's midnight."""
        zone = list(SITES)[site].zone
        self.clock.pass_to(day_at(zone, self.clock.now()).closes_at - 1)

    def set(self, seconds: float) -> None:
        """Set the clock."""
        self.clock.jump(seconds)
