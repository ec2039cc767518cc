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
from collector.commands.site_options import LISTS, named, paths_of, site_options
from collector.errors import CollectorError
from collector.registry.sites import Site
from collector.settings import Settings
from collector.web import snippet


@click.group()
def site() -> None:
    """Add, list, change and remove sites."""


def base_url(settings: Settings) -> str:
    """Return the URL under which browsers reach the service."""
    host = running_service(settings.host)
    return settings.public_url or f"http://{host}:{settings.port}"


@site.command("add")
@click.argument("domain")
@site_options
@as_json
@click.pass_obj
def add(
    context: CommandContext,
    /,
    domain: str,
    sitemap: BinaryIO | None,
    *,
    as_json: bool,
    **given: Any,
) -> None:
    """Add the site DOMAIN and print its snippet."""
    with context.registry() as registry:
        added = registry.add_site(domain, **named(given))
    _declare(context, added, sitemap)
    line = snippet(added.domain, base_url(context.settings))
    if as_json:
        print_json({**msgspec.structs.asdict(added), "snippet": line})
        return
    click.echo(f"Added {added.domain}. Put this line into the head of every page:\n\n  {line}")


@site.command("list")
@as_json
@click.pass_obj
def show(context: CommandContext, as_json: bool) -> None:
    """List the sites; --json prints all their settings."""
    with context.registry() as registry:
        sites = list(registry.sites())
    if as_json:
        print_json(sites)
        return
    print_table(("domain", "zone", "profile", "access"), [_row(one) for one in sites])


@site.command("set")
@click.argument("domain")
@site_options
@click.option(
    "--clear",
    "cleared",
    type=click.Choice(list(LISTS.values())),
    multiple=True,
    help="List to empty. Repeatable.",
)
@click.pass_obj
def change(
    context: CommandContext,
    /,
    domain: str,
    sitemap: BinaryIO | None,
    cleared: tuple[str, ...],
    **given: Any,
) -> None:
    """Change the site DOMAIN. Lists are replaced; a new zone applies when its day ends."""
    changes = named(given, cleared)
    if not changes and sitemap is None:
        raise click.UsageError("give at least one option")
    with context.registry() as registry:
        changed = registry.set_site(domain, **changes)
    paths = _declare(context, changed, sitemap)
    click.echo(f"Changed {changed.domain}.")
    if paths:
        click.echo(f"Its sitemap declares {paths} own paths.")
    if changes.get("zone", changed.zone) != changed.zone:
        click.echo(f"Its zone becomes {changes['zone']} when its current day ends.")


@site.command("remove")
@click.argument("domain")
@click.confirmation_option(prompt="All its data will be deleted permanently. Remove it?")
@click.pass_obj
def remove(context: CommandContext, domain: str) -> None:
    """Remove the site DOMAIN with its tokens, data and secrets. Later hits are dropped."""
    with context.registry() as registry:
        registry.remove_site(domain)
    try:
        rows = context.call_service("erase")
    except CollectorError as failed:
        raise click.ClickException(
            f"removed {domain}, but its data is not deleted yet; the service retries: {failed}"
        ) from failed
    click.echo(f"Removed {domain} and all its data: {rows} rows.")


def _declare(context: CommandContext, site: Site, sitemap: BinaryIO | None) -> int:
    if sitemap is None:
        return 0
    declared: int = context.call_service(
        "declare-paths", site=site.domain, paths=paths_of(sitemap, site)
    )
    return declared


def _row(one: Site) -> tuple[str, ...]:
    return one.domain, one.zone, one.profile, "public" if one.public else "login"
