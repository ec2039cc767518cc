"""Open the door of commands: `footfall …`.

Knows which commands there are and turns errors into one line and an exit
code: 0 done, 1 not done, 2 wrongly asked or wrongly set. What each command
does is in `collector.commands`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from collector import __version__
from collector.commands.days import seal
from collector.commands.desk import Desk
from collector.commands.service import healthcheck, serve
from collector.commands.sites import site
from collector.commands.tokens import token
from collector.commands.users import user
from collector.errors import CollectorError, SettingsError

FAILED = 1
WRONGLY_ASKED = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="footfall")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The settings file; else footfall.toml in this folder, if there is one.",
)
@click.pass_context
def footfall(context: click.Context, config: Path | None) -> None:
    """Count pageviews and events, and forget who they were."""
    context.obj = Desk(config)


for command in (serve, site, user, token, seal, healthcheck):
    footfall.add_command(command)


def main() -> None:
    """Run one command and leave with its exit code."""
    try:
        footfall.main(prog_name="footfall")
    except CollectorError as failed:
        click.echo(f"footfall: {failed}", err=True)
        sys.exit(WRONGLY_ASKED if isinstance(failed, SettingsError) else FAILED)


if __name__ == "__main__":
    main()
