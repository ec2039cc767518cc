"""`footfall notice`: print a site's privacy notice."""

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
    "--json", "form", flag_value="json", help="Print JSON, with every view that is stored."
)
@click.option(
    "--markdown",
    "form",
    flag_value="markdown",
    default="markdown",
    help="Print Markdown (default).",
)
@click.option("--language", type=click.Choice(list(LANGUAGES)), default="en", show_default=True)
@click.pass_obj
def notice(context: CommandContext, site: str, form: str, language: str) -> None:
    """Print the privacy notice of SITE, generated from the settings in force."""
    with context.registry() as registry:
        found = registry.sites().named(site)
    if found is None:
        raise RegistryError(f"there is no site {site}")
    written = notice_of(found, context.settings, language)
    text = as_json(written).decode() + "\n" if form == "json" else as_markdown(written)
    click.echo(text, nl=False)
