"""`footfall token …`: create, list and revoke API tokens."""

from __future__ import annotations

import click

from collector.commands.context import CommandContext, as_json, print_json, print_table
from collector.registry.tokens import SCOPES


@click.group()
def token() -> None:
    """Create, list and revoke API tokens."""


@token.command("create")
@click.argument("name")
@click.option("--site", "domain", help="Restrict the token to one site.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    default=("read",),
    show_default=True,
    help="What it allows. Repeatable.",
)
@as_json
@click.pass_obj
def create(
    context: CommandContext, name: str, domain: str | None, scopes: tuple[str, ...], as_json: bool
) -> None:
    """Create the token NAME and print it. It is not shown again."""
    with context.registry() as registry:
        made = registry.create_token(name, domain, scopes)
    if as_json:
        print_json({"name": name, "token": made})
        return
    click.echo(made)


@token.command("list")
@as_json
@click.pass_obj
def show(context: CommandContext, as_json: bool) -> None:
    """List the tokens, without their secret values."""
    with context.registry() as registry:
        entries = registry.tokens()
    if as_json:
        print_json(entries)
        return
    rows = [(entry.name, entry.site or "all sites", " ".join(entry.scopes)) for entry in entries]
    print_table(("name", "site", "scopes"), rows)


@token.command("revoke")
@click.argument("name")
@click.pass_obj
def revoke(context: CommandContext, name: str) -> None:
    """Revoke the token NAME at once."""
    with context.registry() as registry:
        registry.revoke_token(name)
    click.echo(f"Revoked {name}.")
