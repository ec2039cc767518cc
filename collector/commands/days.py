"""`footfall seal` and `footfall retention`: seal days and delete old data now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from collector.commands.context import CommandContext, as_json, print_json


@click.command()
@click.option("--dry-run", is_flag=True, help="Only print what would be sealed, kept and folded.")
@as_json
@click.pass_obj
def seal(context: CommandContext, *, dry_run: bool, as_json: bool) -> None:
    """Seal all days that are due. Also confirms the clock is correct after a clock jump."""
    found = context.call_service("seal-due" if dry_run else "seal")
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo("No day is due.")
    for one in found:
        click.echo(_sealed_words(one, dry_run=dry_run))


@click.command()
@click.option("--dry-run", is_flag=True, help="Only print what would be deleted.")
@as_json
@click.pass_obj
def retention(context: CommandContext, *, dry_run: bool, as_json: bool) -> None:
    """Delete data past its retention. The service also does so once a day."""
    found = context.call_service("retention-due" if dry_run else "retention")
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo("No data is past its retention.")
    for one in found:
        click.echo(_expired_words(one, dry_run=dry_run))


def _sealed_words(result: dict[str, Any], *, dry_run: bool) -> str:
    verb = "would be" if dry_run else "is"
    sites = "1 site" if result["sites"] == 1 else f"{result['sites']} sites"
    return (
        f"The day that ended at {_instant(result['closes_at'])} {verb} sealed: {sites}, "
        f"{result['open_cells']} open cells, {result['sealed_cells']} of them kept, "
        f"{result['folded_cells']} folded, {result['seconds']:.1f} s."
    )


def _expired_words(expired: dict[str, Any], *, dry_run: bool) -> str:
    grain, _, month = expired["partition"].partition("-")
    kind = {"0": "days", "1": "hours"}.get(grain, "cells")
    verb = "would be" if dry_run else "are"
    whole = ", the whole month" if expired["whole"] else ""
    return f"{expired['rows']} cells of {kind} of {month[:4]}-{month[4:]} {verb} deleted{whole}."


def _instant(closes_at: int) -> str:
    return datetime.fromtimestamp(closes_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
