"""`footfall explain`: show what would be stored of a payload; writes nothing."""

from __future__ import annotations

from typing import IO

import click

from collector.clock import SystemClock
from collector.commands.context import CommandContext, as_json, print_json, print_table
from collector.errors import SettingsError
from collector.ingest.enrich.geo import GeoDatabase
from collector.ingest.explain import Explanation
from collector.ingest.explain import explain as explained
from collector.ingest.pipeline import IngestContext
from collector.ingest.rate_limit import RateLimiter
from collector.ingest.site_rules import rules_of
from collector.ingest.visits import Visits
from collector.privacy.address import Networks, typed
from collector.privacy.day_secrets import DaySecrets


@click.command()
@click.argument("payload", metavar="[FILE]", type=click.File("rb"), default="-")
@click.option("--address", default="192.0.2.1", show_default=True, help="Client address.")
@click.option(
    "--header", "headers", multiple=True, help="Request header, as 'Name: value'. Repeatable."
)
@as_json
@click.pass_obj
def explain(
    context: CommandContext,
    /,
    payload: IO[bytes],
    address: str,
    headers: tuple[str, ...],
    *,
    as_json: bool,
) -> None:
    """Show what would be stored, changed or dropped of a body of /api/event.

    Reads FILE or stdin. Without a User-Agent header the request counts as a bot.
    """
    given = [_header(text) for text in headers]
    typed(address)
    with context.registry() as registry:
        clock, sites, settings = SystemClock(), registry.sites(), context.settings
        ingest = IngestContext(
            sites=sites,
            rules=rules_of(sites),
            secrets=DaySecrets(None, clock, "memory"),
            visits=Visits(),
            places=GeoDatabase(context.settings.geo_path, expected=bool(settings.geo_database)),
            clock=clock,
            limits=RateLimiter(),
            trusted_proxies=Networks(settings.trusted_proxies),
            address_header=settings.client_address_header.lower().encode(),
            excluded=Networks(settings.excluded_networks),
        )
        found = explained(payload.read(), given, address, ingest)
    if as_json:
        print_json([_as_object(one) for one in found])
        return
    for one in found:
        click.echo(f"{one.site or 'all sites'}: {one.outcome}")
        if one.lines:
            print_table(("rule", "given", "kept"), one.lines)


def _header(text: str) -> tuple[bytes, bytes]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise SettingsError(f"--header: {text!r} is not a header; write it as 'Name: value'")
    return name.strip().lower().encode("latin-1", "replace"), value.strip().encode()


def _as_object(one: Explanation) -> dict[str, object]:
    return {
        "site": one.site,
        "outcome": one.outcome,
        "lines": [line._asdict() for line in one.lines],
    }
