"""`footfall geo …`: see which places are known, look one up, take a database into use."""

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
    """See which places are known, and what they would be for an address."""


@geo.command("status")
@as_json
@click.pass_obj
def status(desk: CommandContext, *, as_json: bool) -> None:
    """Say which database is in use, and how old it is."""
    known = examine(desk.settings.geo_path) if desk.settings.has_places else BUILT_IN
    if as_json:
        print_json(known._asdict())
        return
    click.echo(_words(known))


@geo.command("set")
@click.argument("database", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def take(desk: CommandContext, database: Path) -> None:
    """Copy DATABASE, a MaxMind-format file, to where the service looks; it notices by itself."""
    about = examine(database)
    target = desk.settings.geo_path
    beside = target.with_name(target.name + ".new")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The service maps the file into memory: what it has open must not change under it.
        shutil.copyfile(database, beside)
        beside.replace(target)
    except OSError as failed:
        raise SettingsError(f"{target}: cannot be written: {failed}") from failed
    click.echo(f"In use: {_words(about._replace(path=str(target)))}")


@geo.command("test")
@click.argument("address")
@as_json
@click.pass_obj
def test(desk: CommandContext, address: str, *, as_json: bool) -> None:
    """Say what ADDRESS would be kept as; it is cut before it is looked up."""
    place = locate_address(GeoDatabase(desk.settings.geo_path, expected=False), address)
    if as_json:
        print_json(place._asdict())
        return
    click.echo(", ".join(filter(None, place)))


def _words(known: GeoStatus) -> str:
    if known == BUILT_IN:
        return (
            "Countries only, built in. "
            "Take a database into use for regions and cities: footfall geo set FILE"
        )
    built = datetime.fromtimestamp(known.built_at, UTC).date()
    return f"{known.path}: {known.kind}, built {built}. {known.attribution}".rstrip()
