"""Open the door that our tracker and Plausible's knock at: `POST /api/event`.

Knows nothing but which format is spoken there; the steps are `door`'s. Made
by `doors`.
"""

from __future__ import annotations

from collector.ingest.assemble import Intake, sites_named
from collector.ingest.door import Answer, Door
from collector.ingest.wire import MAX_BODY, decode_plausible
from collector.privacy.consent import Admitted


class EventEndpoint(Door):
    """The ASGI application behind `/api/event`."""

    async def take(self, admitted: Admitted, intake: Intake) -> Answer:
        """Read one payload and count it for every site it names.

        Raises:
            PayloadError: if it cannot be read.
            SpoolError: if a hit could not be kept.
        """
        payload = decode_plausible(await admitted.body(MAX_BODY))
        await self.collect(payload, admitted, intake, sites_named(payload))
        return self.accepted
