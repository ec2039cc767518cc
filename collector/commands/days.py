"""`footfall seal`: seal closed days now, in the running service or on its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from collector.commands.desk import Desk, as_json, say_json
from collector.control import ask
from collector.settings import Settings

if TYPE_CHECKING:
    from collector.parts import Parts


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say which days would be sealed.")
@as_json
@click.pass_obj
def seal(desk: Desk, *, dry_run: bool, as_json: bool) -> None:
    """Seal every closed day that is due; also says that the clock is right after a jump."""
    command = "seal-due" if dry_run else "seal"
    answer = ask(desk.settings.control_socket, command)
    if answer is not None:
        found = answer.value
    else:
        with _own_parts(desk.settings) as parts:
            found = _due(parts) if dry_run else _sealed(parts)
    if as_json:
        say_json(found)
        return
    if not found:
        click.echo("No day is due.")
    for one in found:
        click.echo(_due_words(one) if dry_run else _sealed_words(one))


def _due(parts: Parts) -> list[int]:
    parts.delivery.flush()
    return parts.sealer.due(parts.clock.now())


def _sealed(parts: Parts) -> list[dict[str, Any]]:
    parts.delivery.flush()
    parts.sealer.trust_clock()
    return [asdict(result) for result in parts.sealer.run_once()]


@contextmanager
def _own_parts(settings: Settings) -> Iterator[Parts]:
    """Hold open what the service would, while none runs."""
    # Imported here: the engine takes a second that no other command should wait for.
    from collector.parts import make_parts  # noqa: PLC0415

    parts = make_parts(settings)
    try:
        parts.store.prepare()
        parts.sealer.remember()
        parts.journal.start()
        yield parts
    finally:
        parts.journal.close()
        parts.store.close()
        parts.registry.close()


def _due_words(closes_at: int) -> str:
    return f"The day that closed at {_instant(closes_at)} is due."


def _sealed_words(result: dict[str, Any]) -> str:
    return (
        f"The day that closed at {_instant(result['closes_at'])} is sealed: "
        f"{result['sites']} sites, {result['sealed_cells']} cells kept, "
        f"{result['folded_cells']} folded, {result['seconds']:.1f} s."
    )


def _instant(closes_at: int) -> str:
    return datetime.fromtimestamp(closes_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
