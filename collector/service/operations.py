"""Do what a command asks, on the parts of the running service or of the command itself.

Knows which errands there are and in which order their steps go; refuses to know
how a command is typed or how it reaches the service. Called through the control
socket by `rounds`, and by commands where no service runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import msgspec

from collector.audit.checks import Audited, Finding, audit
from collector.audit.probe import effect
from collector.cells.declared import declare_paths
from collector.cells.retention import Expired, erase_site
from collector.cells.sealing import SealResult
from collector.errors import SealError, SettingsError
from collector.service.background import aside
from collector.service.container import Parts
from collector.service.control import Handler

STRAGGLERS_SECONDS = 60
"""After a site is removed, a hit that was under way may still arrive for as long."""

Errand = Callable[[Parts, dict[str, Any]], Any]


def run(parts: Parts, errand: str, arguments: dict[str, Any]) -> Any:
    """Do an errand in this thread.

    Returns:
        What JSON can say.

    Raises:
        CollectorError: if it could not be done.
    """
    return msgspec.to_builtins(_ERRANDS[errand](parts, arguments))


def handlers(parts: Parts) -> Mapping[str, Handler]:
    """Give what commands may ask of the running service, each off its event loop."""

    def handler(errand: str) -> Handler:
        async def handle(arguments: dict[str, Any]) -> Any:
            if errand == "erase":
                # Visits belong to the event loop; a removed site's end here.
                _end_visits(parts)
            return await aside(lambda: run(parts, errand, arguments))

        return handle

    return {errand: handler(errand) for errand in _ERRANDS}


def seal_due(parts: Parts) -> list[SealResult]:
    """Seal every day that is due, and remember what stands in the way.

    Raises:
        SealError: if a day cannot be sealed; nothing is deleted then.
    """
    with parts.sealing:
        try:
            results = parts.sealer.run_once()
        except SealError as failed:
            parts.trouble = str(failed)
            raise
        parts.trouble = ""
        parts.seals += len(results)
        return results


def expire(parts: Parts) -> list[Expired]:
    """Delete what sites keep no longer.

    Raises:
        SealError: if files of it are still there.
    """
    with parts.sealing:
        return parts.retention.run_once()


def erase_removed(parts: Parts) -> int:
    """Erase all that is kept of removed sites: hits, cells, counts and day secrets.

    Returns:
        How many rows the store had.

    Raises:
        CollectorError: if the store or the spool does not answer; the service
            tries again by itself.
    """
    parts.read_sites()
    rows = 0
    for site, removed_at in parts.registry.erasures().items():
        parts.secrets.destroy_site(site)
        # The spool's hits are encrypted with those of others: they go by being left out.
        parts.delivery.flush()
        with parts.sealing:
            rows += erase_site(parts.store, site, parts.clock)
        if parts.clock.now() >= removed_at + STRAGGLERS_SECONDS:
            parts.registry.erased(site)
    parts.read_sites()
    return rows


def _end_visits(parts: Parts) -> None:
    parts.read_sites()
    for site in parts.registry.erasures():
        parts.visits.forget_site(site)


def _seal(parts: Parts, _: dict[str, Any]) -> list[dict[str, Any]]:
    parts.delivery.flush()
    parts.sealer.trust_clock()
    return [asdict(result) for result in seal_due(parts)]


def _due(parts: Parts, _: dict[str, Any]) -> list[dict[str, Any]]:
    parts.delivery.flush()
    with parts.sealing:
        due = parts.sealer.due(parts.clock.now())
        return [asdict(parts.sealer.foresee(closes_at)) for closes_at in due]


def _expire(parts: Parts, _: dict[str, Any]) -> list[Expired]:
    return expire(parts)


def _expiring(parts: Parts, _: dict[str, Any]) -> list[Expired]:
    return parts.retention.foresee()


def _erase(parts: Parts, _: dict[str, Any]) -> int:
    return erase_removed(parts)


def _declare(parts: Parts, arguments: dict[str, Any]) -> int:
    site = parts.registry.sites().named(str(arguments["site"]))
    if site is None:
        raise SettingsError(f"there is no site {arguments['site']}")
    declare_paths(parts.store, site.id, [str(path) for path in arguments["paths"]])
    return len(arguments["paths"])


def _audit(parts: Parts, _: dict[str, Any]) -> list[Finding]:
    audited = Audited(
        store=parts.store,
        secrets=parts.secrets,
        sites=parts.registry.sites,
        clock=parts.clock,
        secrets_dir=parts.secrets.directory,
        secrets_store=parts.settings.secrets.store,
        temporary=parts.store.temporary,
        holds=parts.journal.holds,
        effect=lambda header: effect(parts.intake, header),
    )
    # What is just being sealed would look like what should not be there.
    with parts.sealing:
        return audit(audited)


_ERRANDS: Mapping[str, Errand] = {
    "seal": _seal,
    "seal-due": _due,
    "retention": _expire,
    "retention-due": _expiring,
    "erase": _erase,
    "declare-paths": _declare,
    "audit": _audit,
}
