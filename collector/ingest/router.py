"""List every door that hits come in by.

Knows paths and nothing else. Called by `app`, which asks these before its
router.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from collector.counters import Counters
from collector.ingest.formats.batch import BatchHandler, GoatCounterBatchHandler
from collector.ingest.formats.goatcounter import GoatCounterHandler, PixelHandler
from collector.ingest.formats.plausible import PlausibleHandler
from collector.ingest.formats.umami import UmamiBatchHandler, UmamiHandler
from collector.ingest.handler import GrantLookup, Handler, Journal
from collector.ingest.pipeline import IngestContext


def handlers(
    get_context: Callable[[], IngestContext],
    spool: Journal,
    counters: Counters,
    grant_of: GrantLookup,
) -> Mapping[str, Handler]:
    """Make every door.

    Args:
        get_context: gives the intake as it is now; called for each request.
        grant_of: what a token allows; None if it is unknown.

    Returns:
        The doors by path.
    """
    return {
        "/api/event": PlausibleHandler(get_context, spool, counters, grant_of),
        "/count": GoatCounterHandler(get_context, spool, counters),
        "/pixel.gif": PixelHandler(get_context, spool, counters),
        "/api/send": UmamiHandler(get_context, spool, counters),
        "/api/batch": UmamiBatchHandler(get_context, spool, counters),
        "/api/v0/count": GoatCounterBatchHandler(get_context, spool, counters, grant_of),
        "/api/v1/hits": BatchHandler(get_context, spool, counters, grant_of),
    }
