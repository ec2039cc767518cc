"""`footfall audit`: check the privacy promises against the live system."""

from __future__ import annotations

import click
import msgspec

from collector.commands.context import CommandContext, as_json, print_json


@click.command()
@as_json
@click.pass_context
def audit(context: click.Context, *, as_json: bool) -> None:
    """Check every privacy promise against the live system; exit 1 if one does not hold."""
    # Imported on demand: the engine takes a second, which no other command should wait for.
    from collector.audit.checks import Finding, report  # noqa: PLC0415

    found = context.ensure_object(CommandContext).call_service("audit")
    findings = msgspec.convert(found, list[Finding])
    if as_json:
        print_json([{**one, "ok": not one["violations"]} for one in found])
    else:
        click.echo(report(findings))
    context.exit(0 if all(finding.ok for finding in findings) else 1)
