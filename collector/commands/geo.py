"""`footfall geo …`: show, install and test the geo database."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import click

from collector.commands.context import CommandContext, as_json, print_json
from collector.errors import SettingsError
from collector.ingest.enrich.geo import BUILT_IN, GeoDatabase, GeoStatus, examine, locate_address


@click.group()
def geo() -> None:
    """Show, install and test the geo database."""


@geo.command("status")
@as_json
@click.pass_obj
def status(context: CommandContext, *, as_json: bool) -> None:
    """Show which database is in use, and its age."""
    known = examine(context.settings.geo_path) if context.settings.has_places else BUILT_IN
    if as_json:
        print_json(known._asdict())
        return
    click.echo(_words(known))


@geo.command("set")
@click.argument("database", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def take(context: CommandContext, database: Path) -> None:
    """Install DATABASE, a MaxMind-format file. A running service opens it without a restart."""
    about = examine(database)
    target = context.settings.geo_path
    beside = target.with_name(target.name + ".new")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The service maps the file into memory: an open file must not change.
        shutil.copyfile(database, beside)
        beside.replace(target)
    except OSError as failed:
        raise SettingsError(f"{target}: cannot be written: {failed}") from failed
    click.echo(f"In use: {_words(about._replace(path=str(target)))}")


@geo.command("test")
@click.argument("address")
@as_json
@click.pass_obj
def test(context: CommandContext, address: str, *, as_json: bool) -> None:
    """Show the location stored for ADDRESS, which is truncated before it is looked up."""
    place = locate_address(GeoDatabase(context.settings.geo_path, expected=False), address)
    if as_json:
        print_json(place._asdict())
        return
    click.echo(", ".join(filter(None, place)))


def _words(known: GeoStatus) -> str:
    if known == BUILT_IN:
        return (
            "Built in: countries only. "
            "For regions and cities install a database: footfall geo set FILE"
        )
    built = datetime.fromtimestamp(known.built_at, UTC).date()
    return f"{known.path}: {known.kind}, built {built}. {known.attribution}".rstrip()
