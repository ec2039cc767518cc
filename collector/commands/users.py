"""`footfall user …`: add, list and remove people, and change passwords."""

from __future__ import annotations

import sys

import click

from collector.commands.context import CommandContext, as_json, print_json


@click.group()
def user() -> None:
    """Add, list and remove people who may look; change their passwords."""


_from_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from the first line of stdin."
)


@user.command("add")
@click.argument("name")
@_from_stdin
@click.pass_obj
def add(desk: CommandContext, name: str, password_stdin: bool) -> None:
    """Add the person NAME; asks for a password."""
    password = _password(password_stdin)
    with desk.registry() as registry:
        added = registry.add_user(name, password)
    click.echo(f"{added.name} may log in.")


@user.command("list")
@as_json
@click.pass_obj
def show(desk: CommandContext, as_json: bool) -> None:
    """List the people."""
    with desk.registry() as registry:
        people = registry.users()
    if as_json:
        print_json(people)
        return
    for person in people:
        click.echo(person.name)


@user.command("password")
@click.argument("name")
@_from_stdin
@click.pass_obj
def password(desk: CommandContext, name: str, password_stdin: bool) -> None:
    """Change the password of NAME and end their sessions; asks for it."""
    new = _password(password_stdin)
    with desk.registry() as registry:
        registry.set_password(name, new)
    click.echo(f"{name} has a new password.")


@user.command("remove")
@click.argument("name")
@click.pass_obj
def remove(desk: CommandContext, name: str) -> None:
    """Remove the person NAME and end their sessions."""
    with desk.registry() as registry:
        registry.remove_user(name)
    click.echo(f"{name} is removed.")


def _password(from_stdin: bool) -> str:
    # Never an argument: other people on the machine could read it there.
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return answer
