"""F-12: no order of hits, midnights, set clocks and restarts makes a cell negative."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.day import day_at
from collector.hit import Hit, Kind
from collector.ingest.pipeline import Assembled, Intake, assemble
from collector.ingest.visits import Visits
from collector.privacy.day_secrets import DaySecrets
from collector.registry.sites import Sites
from collector.spool.spool import Journal
from tests.builders import a_payload, a_site, an_admitted, an_intake
from tests.fault.jumping import JumpingClock
from tests.fault.oracle import SUMS as NAMES
from tests.fault.oracle import cells_of_hits
from tests.spooling import a_journal, append

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
            with a_journal(self.folder, clock=self.clock) as journal:
                self.visits.load(journal.take_over(), self.clock.now())
                steps = self._until_restart(steps, journal)
            self.visits = Visits()
        return self.kept

    def _until_restart(self, steps: list[Any], journal: Journal) -> list[Any]:
        for number, (name, *words) in enumerate(steps):
            if name == "kill":
                return steps[number + 1 :]
            if name == "restart":
                journal.hand_over(self.visits.dump(self.clock.now()))
                return steps[number + 1 :]
            getattr(self, name)(*words, *([journal] if name == "hit" else []))
        return []

    def hit(
        self, site: int, visitor: int, path: str, kind: Kind, fate: str, journal: Journal
    ) -> None:
        """Take a hit; one that fails is never durable, and taken back."""
        domain = list(SITES)[site].domain
        made = assemble(
            a_payload(kind=kind, name="buy", url=f"https://{domain}{path}", scroll=50),
            an_admitted(peer=f"198.51.100.{visitor}"),
            self.intake(),
            domain,
        )
        assert isinstance(made, Assembled)
        if fate == "fails":
            made.undo()
        else:
            assert [True] == append(journal, [made.hit])
            self.kept.append(made.hit)

    def intake(self) -> Intake:
        """Give what assembling needs."""
        return an_intake(clock=self.clock, sites=SITES, secrets=self.secrets, visits=self.visits)

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
