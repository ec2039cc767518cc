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

from collector.audit.checks import AuditContext, Finding, audit
from collector.audit.probe import effect
from collector.cells.own_paths import declare_paths
from collector.cells.retention import Expired, erase_site
from collector.cells.sealing import SealResult
from collector.errors import SealError, SettingsError
from collector.service.background import run_in_thread
from collector.service.container import Container
from collector.service.control import Handler

STRAGGLERS_SECONDS = 60
"""After a site is removed, a hit that was under way may still arrive for as long."""

Operation = Callable[[Container, dict[str, Any]], Any]


def run_operation(container: Container, errand: str, arguments: dict[str, Any]) -> Any:
    """Do an errand in this thread.

    Returns:
        What JSON can say.

    Raises:
        CollectorError: if it could not be done.
    """
    return msgspec.to_builtins(OPERATIONS[errand](container, arguments))


def operation_handlers(container: Container) -> Mapping[str, Handler]:
    """Give what commands may ask of the running service, each off its event loop."""

    def handler(errand: str) -> Handler:
        async def handle(arguments: dict[str, Any]) -> Any:
            if errand == "erase":
                # Visits belong to the event loop; a removed site's end here.
                _end_visits(container)
            return await run_in_thread(lambda: run_operation(container, errand, arguments))

        return handle

    return {errand: handler(errand) for errand in OPERATIONS}


def seal_due(container: Container) -> list[SealResult]:
    """Seal every day that is due, and remember what stands in the way.

    Raises:
        SealError: if a day cannot be sealed; nothing is deleted then.
    """
    with container.sealing_lock:
        try:
            results = container.sealer.run_once()
        except SealError as failed:
            container.sealing_problem = str(failed)
            raise
        container.sealing_problem = ""
        container.sealed_days += len(results)
        return results


def expire(container: Container) -> list[Expired]:
    """Delete what sites keep no longer.

    Raises:
        SealError: if files of it are still there.
    """
    with container.sealing_lock:
        return container.retention.run_once()


def erase_removed(container: Container) -> int:
    """Erase all that is kept of removed sites: hits, cells, counts and day secrets.

    Returns:
        How many rows the store had.

    Raises:
        CollectorError: if the store or the spool does not answer; the service
            tries again by itself.
    """
    container.read_sites()
    rows = 0
    for site, removed_at in container.registry.erasures().items():
        container.secrets.destroy_site(site)
        # The spool's hits are encrypted with those of others: they go by being left out.
        container.delivery.flush()
        with container.sealing_lock:
            rows += erase_site(container.store, site, container.clock)
        if container.clock.now() >= removed_at + STRAGGLERS_SECONDS:
            container.registry.erased(site)
    container.read_sites()
    return rows


def _end_visits(container: Container) -> None:
    container.read_sites()
    for site in container.registry.erasures():
        container.visits.forget_site(site)


def _seal(container: Container, _: dict[str, Any]) -> list[dict[str, Any]]:
    container.delivery.flush()
    container.sealer.accept_clock()
    return [asdict(result) for result in seal_due(container)]


def _due(container: Container, _: dict[str, Any]) -> list[dict[str, Any]]:
    container.delivery.flush()
    with container.sealing_lock:
        due = container.sealer.due_days(container.clock.now())
        return [asdict(container.sealer.dry_run(closes_at)) for closes_at in due]


def _expire(container: Container, _: dict[str, Any]) -> list[Expired]:
    return expire(container)


def _expiring(container: Container, _: dict[str, Any]) -> list[Expired]:
    return container.retention.dry_run()


def _erase(container: Container, _: dict[str, Any]) -> int:
    return erase_removed(container)


def _declare(container: Container, arguments: dict[str, Any]) -> int:
    site = container.registry.sites().named(str(arguments["site"]))
    if site is None:
        raise SettingsError(f"there is no site {arguments['site']}")
    declare_paths(container.store, site.id, [str(path) for path in arguments["paths"]])
    return len(arguments["paths"])


def _audit(container: Container, _: dict[str, Any]) -> list[Finding]:
    audited = AuditContext(
        store=container.store,
        secrets=container.secrets,
        sites=container.registry.sites,
        clock=container.clock,
        secrets_dir=container.secrets.directory,
        secrets_store=container.settings.secrets.store,
        temporary=container.store.temporary,
        holds=container.spool.holds,
        effect=lambda header: effect(container.ingest, header),
    )
    # What is just being sealed would look like what should not be there.
    with container.sealing_lock:
        return audit(audited)


OPERATIONS: Mapping[str, Operation] = {
    "seal": _seal,
    "seal-due": _due,
    "retention": _expire,
    "retention-due": _expiring,
    "erase": _erase,
    "declare-paths": _declare,
    "audit": _audit,
}
