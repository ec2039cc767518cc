"""`footfall site …`: add, list, change and remove sites."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from collector.commands.desk import Desk, as_json, reachable, say_json, say_table
from collector.registry.sites import PROFILES, Site
from collector.settings import Settings


@click.group()
def site() -> None:
    """Add, list, change and remove sites."""


def snippet(domain: str, settings: Settings) -> str:
    """Write the line of HTML that an owner puts on every page."""
    host = reachable(settings.host)
    origin = settings.public_url or f"http://{host}:{settings.port}"
    return f'<script defer data-domain="{domain}" src="{origin}/js/footfall.js"></script>'


_zone = click.option("--zone", help="IANA time zone, such as Europe/Berlin; decides its days.")
_profile = click.option("--profile", type=click.Choice(PROFILES), help="Privacy profile.")
_public = click.option(
    "--public/--private", default=None, help="Whether anybody may see its numbers."
)
_hostnames = click.option(
    "--hostname",
    "hostnames",
    multiple=True,
    help="A further host name its hits may come from; repeat for more.",
)
_own_paths = click.option(
    "--own-path",
    "own_paths",
    multiple=True,
    help="A path that is never folded, however few see it; repeat for more.",
)

_controller = click.option(
    "--controller",
    help="Who answers for what is counted, for the privacy notice: a name and how to reach them.",
)


@site.command("add")
@click.argument("domain")
@_zone
@_public
@_profile
@_hostnames
@_own_paths
@_controller
@as_json
@click.pass_obj
def add(desk: Desk, /, domain: str, as_json: bool, **given: Any) -> None:
    """Add the site DOMAIN and print its snippet."""
    with desk.registry() as registry:
        added = registry.add_site(domain, **_named(given))
    line = snippet(added.domain, desk.settings)
    if as_json:
        say_json({**msgspec.structs.asdict(added), "snippet": line})
        return
    click.echo(f"{added.domain} is added. Put this line into the head of every page:\n\n  {line}")


@site.command("list")
@as_json
@click.pass_obj
def show(desk: Desk, as_json: bool) -> None:
    """List the sites."""
    with desk.registry() as registry:
        sites = list(registry.sites())
    if as_json:
        say_json(sites)
        return
    say_table(("domain", "zone", "profile", "seen by"), [_row(one) for one in sites])


@site.command("set")
@click.argument("domain")
@_zone
@_public
@_profile
@_hostnames
@_own_paths
@_controller
@click.pass_obj
def change(desk: Desk, /, domain: str, **given: Any) -> None:
    """Change the site DOMAIN; lists are replaced, a new zone begins when its day ends."""
    changes = _named(given)
    if not changes:
        raise click.UsageError("name at least one thing to change")
    with desk.registry() as registry:
        changed = registry.set_site(domain, **changes)
    click.echo(f"{changed.domain} is changed.")
    if changes.get("zone", changed.zone) != changed.zone:
        click.echo(f"Its zone becomes {changes['zone']} when its present day ends.")


@site.command("remove")
@click.argument("domain")
@click.confirmation_option(prompt="Its hits will no longer be counted. Remove it?")
@click.pass_obj
def remove(desk: Desk, domain: str) -> None:
    """Remove the site DOMAIN and its tokens; its hits are dropped from now on."""
    with desk.registry() as registry:
        registry.remove_site(domain)
    click.echo(f"{domain} is removed.")


def _named(given: dict[str, Any]) -> dict[str, Any]:
    """Keep what was named on the command line."""
    return {name: value for name, value in given.items() if value not in (None, ())}


def _row(one: Site) -> tuple[str, ...]:
    return one.domain, one.zone, one.profile, "everybody" if one.public else "accounts"
