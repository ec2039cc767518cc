"""`footfall token …`: create, list and revoke tokens of the API."""

from __future__ import annotations

import click

from collector.commands.context import CommandContext, as_json, print_json, print_table
from collector.registry.tokens import SCOPES


@click.group()
def token() -> None:
    """Create, list and revoke tokens of the API."""


@token.command("create")
@click.argument("name")
@click.option("--site", "domain", help="The one site it is for; without it, every site.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    default=("read",),
    show_default=True,
    help="What it allows; repeat for more.",
)
@as_json
@click.pass_obj
def create(
    desk: CommandContext, name: str, domain: str | None, scopes: tuple[str, ...], as_json: bool
) -> None:
    """Make the token NAME and print it; it is not shown again."""
    with desk.registry() as registry:
        made = registry.create_token(name, domain, scopes)
    if as_json:
        print_json({"name": name, "token": made})
        return
    click.echo(made)


@token.command("list")
@as_json
@click.pass_obj
def show(desk: CommandContext, as_json: bool) -> None:
    """List the tokens, without their secrets."""
    with desk.registry() as registry:
        entries = registry.tokens()
    if as_json:
        print_json(entries)
        return
    rows = [(entry.name, entry.site or "every site", " ".join(entry.scopes)) for entry in entries]
    print_table(("name", "site", "allows"), rows)


@token.command("revoke")
@click.argument("name")
@click.pass_obj
def revoke(desk: CommandContext, name: str) -> None:
    """End the token NAME at once."""
    with desk.registry() as registry:
        registry.revoke_token(name)
    click.echo(f"{name} is revoked.")
