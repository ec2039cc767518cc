"""`footfall explain` and `footfall geo …`: see what the rules make of something.

Nothing is written, and no running service is needed or disturbed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import click

from collector.clock import SystemClock
from collector.commands.desk import Desk, as_json, say_json, say_table
from collector.errors import SettingsError
from collector.ingest.assemble import Intake
from collector.ingest.explain import Explanation
from collector.ingest.explain import explain as explained
from collector.ingest.limits import Limits
from collector.ingest.place import Places, examine, place_of_address
from collector.ingest.visits import Visits
from collector.privacy.address import Networks
from collector.privacy.secrets import DaySecrets
from collector.settings import Settings


@click.command()
@click.argument("payload", type=click.File("rb"), default="-")
@click.option("--address", default="192.0.2.1", show_default=True, help="Where it would come from.")
@click.option("--header", "headers", multiple=True, help="'Name: value'; repeat for more.")
@as_json
@click.pass_obj
def explain(
    desk: Desk, /, payload: IO[bytes], address: str, headers: tuple[str, ...], *, as_json: bool
) -> None:
    """Say what would be kept, changed or dropped of PAYLOAD, a body of /api/event."""
    given = [_header(text) for text in headers]
    with desk.registry() as registry:
        clock = SystemClock()
        intake = Intake(
            sites=registry.sites(),
            secrets=DaySecrets(None, clock, "memory"),
            visits=Visits(),
            places=Places(_database(desk.settings)),
            clock=clock,
            limits=Limits(),
            trusted_proxies=Networks(desk.settings.trusted_proxies),
            address_header=desk.settings.client_address_header.lower().encode(),
            excluded=Networks(desk.settings.excluded_networks),
        )
        found = explained(payload.read(), given, address, intake)
    if as_json:
        say_json([_as_object(one) for one in found])
        return
    for one in found:
        click.echo(f"{one.site or 'every site'}: {one.outcome}")
        if one.lines:
            say_table(("rule", "given", "kept"), one.lines)


@click.group()
def geo() -> None:
    """See which places are known, and what they would be for an address."""


@geo.command("status")
@as_json
@click.pass_obj
def status(desk: Desk, *, as_json: bool) -> None:
    """Say which database is in use, and how old it is."""
    database = _database(desk.settings)
    if database is None:
        known = {"path": "", "kind": "iptocc", "built_at": 0, "attribution": ""}
    else:
        about = examine(database)
        known = {
            "path": about.path,
            "kind": about.kind,
            "built_at": about.built_at,
            "attribution": about.attribution,
        }
    if as_json:
        say_json(known)
        return
    if database is None:
        click.echo("Countries only, built in. Set geo_database for regions and cities.")
        return
    built = datetime.fromtimestamp(about.built_at, UTC).date()
    click.echo(f"{about.path}: {about.kind}, built {built}. {about.attribution}".rstrip())


@geo.command("test")
@click.argument("address")
@as_json
@click.pass_obj
def test(desk: Desk, address: str, *, as_json: bool) -> None:
    """Say what ADDRESS would be kept as; it is cut before it is looked up."""
    place = place_of_address(Places(_database(desk.settings)), address)
    if as_json:
        say_json(place._asdict())
        return
    click.echo(", ".join(filter(None, place)))


def _database(settings: Settings) -> Path | None:
    return Path(settings.geo_database) if settings.geo_database else None


def _header(text: str) -> tuple[bytes, bytes]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise SettingsError(f"--header: {text!r} is no header; write it as 'Name: value'")
    return name.strip().lower().encode("latin-1", "replace"), value.strip().encode()


def _as_object(one: Explanation) -> dict[str, object]:
    return {
        "site": one.site,
        "outcome": one.outcome,
        "lines": [line._asdict() for line in one.lines],
    }
