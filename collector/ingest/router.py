"""Map the paths that receive hits to the handler of their format."""

from __future__ import annotations

from collections.abc import Mapping

from collector.counters import Counters
from collector.ingest.formats.batch import BatchHandler
from collector.ingest.formats.goatcounter import GoatCounterHandler, PixelHandler
from collector.ingest.formats.goatcounter_batch import GoatCounterBatchHandler
from collector.ingest.formats.plausible import PlausibleHandler
from collector.ingest.formats.umami import UmamiBatchHandler, UmamiHandler
from collector.ingest.handler import ContextSource, GrantLookup, Handler, HitSink


def handlers(
    source: ContextSource, spool: HitSink, counters: Counters, grant_of: GrantLookup
) -> Mapping[str, Handler]:
    """Create the handler of every path.

    Args:
        grant_of: what a token allows; None if it is unknown.
    """
    return {
        "/api/event": PlausibleHandler(source, spool, counters, grant_of),
        "/count": GoatCounterHandler(source, spool, counters),
        "/pixel.gif": PixelHandler(source, spool, counters),
        "/api/send": UmamiHandler(source, spool, counters),
        "/api/batch": UmamiBatchHandler(source, spool, counters),
        "/api/v0/count": GoatCounterBatchHandler(source, spool, counters, grant_of),
        "/api/v1/hits": BatchHandler(source, spool, counters, grant_of),
    }
