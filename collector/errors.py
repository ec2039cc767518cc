"""All errors of the service.

CollectorError
├── SettingsError            exit code 2
├── PayloadError             the sender is at fault; 400, 413 or 431
├── SpoolError
│   └── SpoolFull            503 with Retry-After; the only way a valid hit is refused
├── DeliveryError
│   ├── Unreachable          the batch stays in the spool; retried with back-off and jitter
│   ├── Rejected             the content is at fault
│   └── SchemaMismatch       delivery stops; nothing is lost
├── SealError                the day stays open; nothing is deleted
├── RegistryError            an unknown name, a duplicate or a wrong value in a command
├── StoreBusy                another process has the data directory open
└── QueryError
    └── Unanswerable         400; a sentence that names the dimensions and the missing view
"""

from __future__ import annotations

from typing import Literal

PayloadCode = Literal[
    "too_large", "not_json", "missing_field", "bad_field", "unknown_field", "too_many_headers"
]


class CollectorError(Exception):
    """The base class of all errors of the service."""


class SettingsError(CollectorError):
    """Raised if a setting has an unknown name or a wrong value; names the right ones."""


class PayloadError(CollectorError):
    """Raised if a payload cannot be read.

    Attributes:
        code: the reason, from a closed list; counted under this name.
        field: the key at fault, or empty.
        status: the HTTP status of the response: 400, 413 or 431.
    """

    def __init__(self, code: PayloadCode, field: str = "", *, status: int = 400) -> None:
        super().__init__(f"{code}: {field}" if field else code)
        self.code: PayloadCode = code
        self.field = field
        self.status = status


class SpoolError(CollectorError):
    """Raised if the spool cannot store or read hits; answered with 503."""


class SpoolFull(SpoolError):
    """Raised if the spool has reached `spool.max_bytes`."""


class DeliveryError(CollectorError):
    """The base class of errors between spool and store."""


class Unreachable(DeliveryError):
    """Raised if a call to ClickHouse failed, or its outcome is unknown."""


class Rejected(DeliveryError):
    """Raised if ClickHouse rejected a batch for its content."""


class SchemaMismatch(DeliveryError):
    """Raised if the store's tables are not those of this version."""


class SealError(CollectorError):
    """Raised if a day cannot be sealed; it stays open and nothing is deleted."""


class RegistryError(CollectorError):
    """Raised if a command names something unknown, duplicate or malformed."""


class StoreBusy(CollectorError):
    """Raised if another process has the data directory open."""


class QueryError(CollectorError):
    """Raised if a query is malformed; the message is a sentence for the user."""


class Unanswerable(QueryError):
    """Raised if no view can answer; the sentence names the views that exist."""
