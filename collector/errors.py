"""Name every error of the service; imported by all layers, imports none.

CollectorError
├── SettingsError            at start only; exit 2
├── PayloadError             the sender is at fault; 400, 413 or 431
├── SpoolError
│   └── SpoolFull            503 with Retry-After; the only way a good hit is refused
├── DeliveryError
│   ├── Unreachable          kept, retried with back-off and jitter
│   ├── Rejected             the content is at fault; bisected
│   └── SchemaMismatch       delivery stops; nothing is lost
├── SealError                the day stays open; nothing is deleted
├── RegistryError            a wrong name, a duplicate, a bad value from a person
├── StoreBusy                another process has the data directory
└── QueryError
    └── Unanswerable         400; a sentence that names the dimensions and the missing view
"""

from __future__ import annotations

from typing import Literal

PayloadCode = Literal[
    "too_large", "not_json", "missing_field", "bad_field", "unknown_field", "too_many_headers"
]


class CollectorError(Exception):
    """Never raised itself: the root of every error of ours."""


class SettingsError(CollectorError):
    """Raised if a setting has an unknown name or a wrong value; says what it should be."""


class PayloadError(CollectorError):
    """Raised if what a sender sent cannot be read.

    Attributes:
        code: why, from a closed list; counted under this name.
        field: the key at fault, or empty.
        status: the HTTP status of the answer: 400, 413 or 431.
    """

    def __init__(self, code: PayloadCode, field: str = "", *, status: int = 400) -> None:
        super().__init__(f"{code}: {field}" if field else code)
        self.code: PayloadCode = code
        self.field = field
        self.status = status


class SpoolError(CollectorError):
    """Raised if the spool cannot take or give a hit; answered with 503."""


class SpoolFull(SpoolError):
    """Raised if the spool has reached `spool.max_bytes`."""


class DeliveryError(CollectorError):
    """Never raised itself: the root of what can go wrong between spool and store."""


class Unreachable(DeliveryError):
    """Raised if the outcome of a call to ClickHouse is unknown or it did not happen."""


class Rejected(DeliveryError):
    """Raised if ClickHouse refused a batch for its content."""


class SchemaMismatch(DeliveryError):
    """Raised if the store's tables are not the ones this version declares."""


class SealError(CollectorError):
    """Raised if a day cannot be sealed; it stays open and nothing is deleted."""


class RegistryError(CollectorError):
    """Raised if a person's command names something unknown, doubled or malformed."""


class StoreBusy(CollectorError):
    """Raised if another process holds the data directory."""


class QueryError(CollectorError):
    """Raised if a question is malformed; the message is a sentence for its asker."""


class Unanswerable(QueryError):
    """Raised if no view can answer; the sentence names the views that exist."""
