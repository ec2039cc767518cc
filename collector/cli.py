"""The command line: `footfall …`.

An error becomes one line and an exit code: 0 success, 1 failure, 2 wrong usage or settings.
The commands are in `collector.commands`.
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
WRONG_USAGE = 2

# The module of each command; imported on demand, so that no command waits for another's imports.
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
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command; None if it does not exist."""
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
    help="Settings file; by default footfall.toml in the working directory, if present.",
)
@click.pass_context
def footfall(context: click.Context, config: Path | None) -> None:
    """Privacy-preserving web analytics: count pageviews and events, not people."""
    context.obj = CommandContext(config)


def main() -> None:
    """Run one command and exit with its code."""
    try:
        footfall.main(prog_name="footfall")
    except CollectorError as failed:
        click.echo(f"footfall: {failed}", err=True)
        sys.exit(WRONG_USAGE if isinstance(failed, SettingsError) else FAILED)


if __name__ == "__main__":
    main()
