"""Run an administrative operation, in the running service or in the CLI process."""

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
from collector.service.control_socket import Handler

STRAGGLERS_SECONDS = 60
"""How long after a site was removed its last hits may still arrive."""

Operation = Callable[[Container, dict[str, Any]], Any]


def run_operation(container: Container, name: str, arguments: dict[str, Any]) -> Any:
    """Run an operation in this thread.

    Returns:
        Its result, as JSON types.

    Raises:
        CollectorError: if it failed.
    """
    return msgspec.to_builtins(OPERATIONS[name](container, arguments))


def operation_handlers(container: Container) -> Mapping[str, Handler]:
    """Return a handler of the control socket for each operation; each runs in a thread."""

    def handler(name: str) -> Handler:
        async def handle(arguments: dict[str, Any]) -> Any:
            if name == "erase":
                # Visits belong to the event loop: a removed site's visits end here.
                _end_visits(container)
            return await run_in_thread(run_operation, container, name, arguments)

        return handle

    return {name: handler(name) for name in OPERATIONS}


def seal_due(container: Container) -> list[SealResult]:
    """Seal every day that is due; keep in `sealing_problem` why it failed.

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
    """Delete data past its retention.

    Raises:
        SealError: if files of deleted data are still there.
    """
    with container.sealing_lock:
        return container.retention.run_once()


def erase_removed(container: Container) -> int:
    """Erase the hits, cells, counts and day secrets of removed sites.

    Returns:
        How many rows were deleted from the store.

    Raises:
        CollectorError: if the store or the spool does not answer; the service retries.
    """
    container.read_sites()
    rows = 0
    for site, removed_at in container.registry.erasures().items():
        container.secrets.destroy_site(site)
        # Spooled hits are encrypted together with those of other sites: delivery leaves them out.
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
    context = AuditContext(
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
    # A day that is being sealed would look like a violation.
    with container.sealing_lock:
        return audit(context)


OPERATIONS: Mapping[str, Operation] = {
    "seal": _seal,
    "seal-due": _due,
    "retention": _expire,
    "retention-due": _expiring,
    "erase": _erase,
    "declare-paths": _declare,
    "audit": _audit,
}
