"""`footfall serve` and `footfall healthcheck`: run the service, and check its health."""

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
@click.option(
    "--demo",
    is_flag=True,
    help="Add a demo page, and a site with generated traffic.",
)
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on.")
@click.pass_context
def serve(context: click.Context, /, demo: bool, **given: Any) -> None:
    """Run the service."""
    # Imported on demand: the engine takes a second, which no other command should wait for.
    from collector.server import serve as run  # noqa: PLC0415

    settings = _overridden(context.ensure_object(CommandContext).settings, given)
    context.exit(run(settings, demo=demo))


@click.command()
@click.pass_obj
def healthcheck(context: CommandContext) -> None:
    """Check whether the running service accepts hits; exit 0 if so, else 1."""
    place = f"{running_service(context.settings.host)}:{context.settings.port}"
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
        raise SettingsError("--host: give an address to listen on")
    return msgspec.structs.replace(settings, **named)
