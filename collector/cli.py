"""Open the door of commands: `footfall …`.

Knows which commands there are and turns errors into one line and an exit
code: 0 done, 1 not done, 2 wrongly asked or wrongly set. What each command
does is in `collector.commands`.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import click

from collector import __version__
from collector.commands.context import CommandContext
from collector.errors import CollectorError, SettingsError

FAILED = 1
WRONGLY_ASKED = 2


# Where each command is; loaded when it is asked for, so that none waits for another's imports.
COMMANDS = {
    "serve": "service",
    "site": "sites",
    "user": "users",
    "token": "tokens",
    "seal": "days",
    "retention": "days",
    "audit": "audit",
    "notice": "notice",
    "explain": "rules",
    "geo": "geo",
    "healthcheck": "service",
}


class Commands(click.Group):
    """The commands of `COMMANDS`, in that order."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load one command; None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"collector.commands.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="footfall")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The settings file; else footfall.toml in this folder, if there is one.",
)
@click.pass_context
def footfall(context: click.Context, config: Path | None) -> None:
    """Count pageviews and events, and forget who they were."""
    context.obj = CommandContext(config)


def main() -> None:
    """Run one command and leave with its exit code."""
    try:
        footfall.main(prog_name="footfall")
    except CollectorError as failed:
        click.echo(f"footfall: {failed}", err=True)
        sys.exit(WRONGLY_ASKED if isinstance(failed, SettingsError) else FAILED)


if __name__ == "__main__":
    main()
