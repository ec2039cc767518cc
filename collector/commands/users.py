"""`footfall user …`: add, list and remove dashboard users, and change passwords."""

from __future__ import annotations

import sys

import click

from collector.commands.context import CommandContext, as_json, print_json


@click.group()
def user() -> None:
    """Add, list and remove dashboard users; change their passwords."""


_from_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from the first line of stdin."
)


@user.command("add")
@click.argument("name")
@_from_stdin
@click.pass_obj
def add(context: CommandContext, name: str, password_stdin: bool) -> None:
    """Add the user NAME; prompts for a password."""
    password = _password(password_stdin)
    with context.registry() as registry:
        added = registry.add_user(name, password)
    click.echo(f"Added {added.name}.")


@user.command("list")
@as_json
@click.pass_obj
def show(context: CommandContext, as_json: bool) -> None:
    """List the users."""
    with context.registry() as registry:
        users = registry.users()
    if as_json:
        print_json(users)
        return
    for one in users:
        click.echo(one.name)


@user.command("password")
@click.argument("name")
@_from_stdin
@click.pass_obj
def password(context: CommandContext, name: str, password_stdin: bool) -> None:
    """Change the password of the user NAME and end all sessions; prompts for it."""
    new = _password(password_stdin)
    with context.registry() as registry:
        registry.set_password(name, new)
    click.echo(f"Changed the password of {name}.")


@user.command("remove")
@click.argument("name")
@click.pass_obj
def remove(context: CommandContext, name: str) -> None:
    """Remove the user NAME and end all sessions."""
    with context.registry() as registry:
        registry.remove_user(name)
    click.echo(f"Removed {name}.")


def _password(from_stdin: bool) -> str:
    # Never an argument: other users of the machine could read it.
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return answer
