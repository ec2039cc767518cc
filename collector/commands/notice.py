"""`footfall notice`: print a site's privacy notice, as the service shows it."""

from __future__ import annotations

import click

from collector.commands.context import CommandContext
from collector.errors import RegistryError
from collector.visitors.notice import notice_of
from collector.visitors.notice_pages import as_json, as_markdown
from collector.visitors.translations import LANGUAGES


@click.command()
@click.argument("site")
@click.option(
    "--json", "form", flag_value="json", help="Print it for machines: every view that is kept."
)
@click.option(
    "--markdown", "form", flag_value="markdown", default="markdown", help="Print it for people."
)
@click.option("--language", type=click.Choice(list(LANGUAGES)), default="en", show_default=True)
@click.pass_obj
def notice(desk: CommandContext, site: str, form: str, language: str) -> None:
    """Print the privacy notice of SITE, written from the settings in force."""
    with desk.registry() as registry:
        found = registry.sites().named(site)
    if found is None:
        raise RegistryError(f"there is no site {site}")
    written = notice_of(found, desk.settings, language)
    text = as_json(written).decode() + "\n" if form == "json" else as_markdown(written)
    click.echo(text, nl=False)
