"""What all commands share: settings, the registry, operations, and output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from collector.registry.store import Registry
from collector.service.control_socket import send_request
from collector.settings import Settings, from_process

if TYPE_CHECKING:
    from collector.service.container import Container

_LOOPBACKS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared, not bound

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class CommandContext:
    """The context of a command; opens nothing before it is used.

    Args:
        config: the settings file named on the command line.
    """

    def __init__(self, config: Path | None) -> None:
        self._config = config

    @cached_property
    def settings(self) -> Settings:
        """The settings of this process."""
        return from_process(self._config)

    @contextmanager
    def registry(self) -> Iterator[Registry]:
        """Open the registry; safe while the service runs."""
        with Registry(self.settings.registry_path) as registry:
            yield registry

    def call_service(self, operation: str, **arguments: Any) -> Any:
        """Run an operation in the running service, or in this process if none runs.

        Returns:
            The operation's result, as JSON types.

        Raises:
            CollectorError: if it failed.
        """
        response = send_request(self.settings.control_socket, operation, **arguments)
        if response is not None:
            return response.value
        # Imported on demand: the engine takes a second, which no other command should wait for.
        from collector.service.operations import run_operation  # noqa: PLC0415

        with _own_container(self.settings) as container:
            return run_operation(container, operation, arguments)


@contextmanager
def _own_container(settings: Settings) -> Iterator[Container]:
    """Build the container of the service, while none runs."""
    from collector.service.container import build_container  # noqa: PLC0415 - as above

    container = build_container(settings)
    try:
        container.prepare()
        container.spool.start()
        yield container
    finally:
        container.close()


def running_service(host: str) -> str:
    """Return the host to connect to, where `host` may stand for all addresses."""
    return _LOOPBACKS.get(host, f"[{host}]" if ":" in host else host)


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    click.echo(text)


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in aligned columns below a header."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
