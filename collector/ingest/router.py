"""List every door that hits come in by.

Knows paths and nothing else. Called by `app`, which asks these before its
router.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from collector.counters import Tally
from collector.ingest.formats.batch import GoatcounterHitsDoor, HitsDoor
from collector.ingest.formats.goatcounter import CountDoor, PixelDoor
from collector.ingest.formats.plausible import EventEndpoint
from collector.ingest.formats.umami import BatchDoor, SendDoor
from collector.ingest.handler import Door, GrantOf, Journal
from collector.ingest.pipeline import Intake


def doors(
    intake_of: Callable[[], Intake], journal: Journal, tally: Tally, grant_of: GrantOf
) -> Mapping[str, Door]:
    """Make every door.

    Args:
        intake_of: gives the intake as it is now; called for each request.
        grant_of: what a token allows; None if it is unknown.

    Returns:
        The doors by path.
    """
    return {
        "/api/event": EventEndpoint(intake_of, journal, tally, grant_of),
        "/count": CountDoor(intake_of, journal, tally),
        "/pixel.gif": PixelDoor(intake_of, journal, tally),
        "/api/send": SendDoor(intake_of, journal, tally),
        "/api/batch": BatchDoor(intake_of, journal, tally),
        "/api/v0/count": GoatcounterHitsDoor(intake_of, journal, tally, grant_of),
        "/api/v1/hits": HitsDoor(intake_of, journal, tally, grant_of),
    }
