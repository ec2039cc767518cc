"""`footfall site …`: add, list, change and remove sites."""

from __future__ import annotations

from typing import Any, BinaryIO

import click
import msgspec

from collector.commands.context import (
    CommandContext,
    as_json,
    print_json,
    print_table,
    running_service,
)
from collector.commands.site_settings import LISTS, named, paths_of, site_options
from collector.errors import CollectorError
from collector.registry.sites import Site
from collector.settings import Settings


@click.group()
def site() -> None:
    """Add, list, change and remove sites."""


def snippet(domain: str, settings: Settings) -> str:
    """Write the line of HTML that an owner puts on every page."""
    host = running_service(settings.host)
    origin = settings.public_url or f"http://{host}:{settings.port}"
    return f'<script async data-domain="{domain}" src="{origin}/js/footfall.js"></script>'


@site.command("add")
@click.argument("domain")
@site_options
@as_json
@click.pass_obj
def add(
    desk: CommandContext, /, domain: str, sitemap: BinaryIO | None, *, as_json: bool, **given: Any
) -> None:
    """Add the site DOMAIN and print its snippet."""
    with desk.registry() as registry:
        added = registry.add_site(domain, **named(given))
    _declare(desk, added, sitemap)
    line = snippet(added.domain, desk.settings)
    if as_json:
        print_json({**msgspec.structs.asdict(added), "snippet": line})
        return
    click.echo(f"{added.domain} is added. Put this line into the head of every page:\n\n  {line}")


@site.command("list")
@as_json
@click.pass_obj
def show(desk: CommandContext, as_json: bool) -> None:
    """List the sites; as JSON with all that is declared of them."""
    with desk.registry() as registry:
        sites = list(registry.sites())
    if as_json:
        print_json(sites)
        return
    print_table(("domain", "zone", "profile", "seen by"), [_row(one) for one in sites])


@site.command("set")
@click.argument("domain")
@site_options
@click.option(
    "--clear",
    "cleared",
    type=click.Choice(list(LISTS.values())),
    multiple=True,
    help="A list to empty; repeat for more.",
)
@click.pass_obj
def change(
    desk: CommandContext,
    /,
    domain: str,
    sitemap: BinaryIO | None,
    cleared: tuple[str, ...],
    **given: Any,
) -> None:
    """Change the site DOMAIN; lists are replaced, a new zone begins when its day ends."""
    changes = named(given, cleared)
    if not changes and sitemap is None:
        raise click.UsageError("name at least one thing to change")
    with desk.registry() as registry:
        changed = registry.set_site(domain, **changes)
    paths = _declare(desk, changed, sitemap)
    click.echo(f"{changed.domain} is changed.")
    if paths:
        click.echo(f"Its sitemap declares {paths} own paths.")
    if changes.get("zone", changed.zone) != changed.zone:
        click.echo(f"Its zone becomes {changes['zone']} when its present day ends.")


@site.command("remove")
@click.argument("domain")
@click.confirmation_option(prompt="All its numbers will be deleted, for ever. Remove it?")
@click.pass_obj
def remove(desk: CommandContext, domain: str) -> None:
    """Remove the site DOMAIN, its tokens, its numbers and its secrets; later hits are dropped."""
    with desk.registry() as registry:
        registry.remove_site(domain)
    try:
        rows = desk.call_service("erase")
    except CollectorError as failed:
        raise click.ClickException(
            f"{domain} is removed, but its numbers are not deleted yet; "
            f"the service will when it can: {failed}"
        ) from failed
    click.echo(f"{domain} is removed, with all its numbers: {rows} rows.")


def _declare(desk: CommandContext, site: Site, sitemap: BinaryIO | None) -> int:
    if sitemap is None:
        return 0
    declared: int = desk.call_service(
        "declare-paths", site=site.domain, paths=paths_of(sitemap, site)
    )
    return declared


def _row(one: Site) -> tuple[str, ...]:
    return one.domain, one.zone, one.profile, "everybody" if one.public else "accounts"
