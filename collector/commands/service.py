"""`footfall serve` and `footfall healthcheck`: run the service, and ask how it is."""

from __future__ import annotations

import http.client
from typing import Any

import click
import msgspec

from collector.commands.context import CommandContext, running_service
from collector.errors import SettingsError
from collector.settings import Settings

HEALTH_SECONDS = 5


@click.command()
@click.option("--demo", is_flag=True, help="Add localhost, a demo page, and demo.example.")
@click.option("--host", help="The address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen at.")
@click.pass_context
def serve(context: click.Context, /, demo: bool, **given: Any) -> None:
    """Run the service until it is told to stop."""
    # Imported here: the engine takes a second that no other command should wait for.
    from collector.server import serve as run  # noqa: PLC0415

    settings = _overridden(context.ensure_object(CommandContext).settings, given)
    context.exit(run(settings, demo=demo))


@click.command()
@click.pass_obj
def healthcheck(desk: CommandContext) -> None:
    """Ask the running service whether it accepts hits; exit 0 if so, else 1."""
    place = f"{running_service(desk.settings.host)}:{desk.settings.port}"
    connection = http.client.HTTPConnection(place, timeout=HEALTH_SECONDS)
    try:
        connection.request("GET", "/readyz")
        status = connection.getresponse().status
    except OSError as failed:
        raise click.ClickException(f"{place} does not answer: {failed}") from failed
    finally:
        connection.close()
    if status != http.client.OK:
        raise click.ClickException(f"the service does not accept hits (status {status})")
    click.echo("The service accepts hits.")


def _overridden(settings: Settings, given: dict[str, Any]) -> Settings:
    named = {name: value for name, value in given.items() if value is not None}
    if not named.get("host", "-"):
        raise SettingsError("--host: give an address to listen at")
    return msgspec.structs.replace(settings, **named)
