"""Give every command the same desk: settings, registry, errands, and a way to print.

Knows click, the settings and whom to ask; does nothing by itself. Used by the other
modules of `commands`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from collector.registry.store import Registry
from collector.service.control import send_request
from collector.settings import Settings, from_process

if TYPE_CHECKING:
    from collector.service.container import Container

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared, not bound

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of words.")


class CommandContext:
    """What a command works with; nothing is opened before it is asked for.

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
        """Hold the registry open; safe while the service runs."""
        with Registry(self.settings.registry_path) as registry:
            yield registry

    def call_service(self, errand: str, **arguments: Any) -> Any:
        """Have something done by the running service, or by this process if there is none.

        Returns:
            What the errand returns, as JSON says it.

        Raises:
            CollectorError: if it could not be done.
        """
        answer = send_request(self.settings.control_socket, errand, **arguments)
        if answer is not None:
            return answer.value
        # Imported here: the engine takes a second that no other command should wait for.
        from collector.service.operations import run_operation  # noqa: PLC0415

        with _own_parts(self.settings) as container:
            return run_operation(container, errand, arguments)


@contextmanager
def _own_parts(settings: Settings) -> Iterator[Container]:
    """Hold open what the service would, while none runs."""
    from collector.service.container import build_container  # noqa: PLC0415 - as above

    container = build_container(settings)
    try:
        container.prepare()
        container.spool.start()
        yield container
    finally:
        container.close()


def running_service(host: str) -> str:
    """Give a host to connect to, where `host` may mean every address of this machine."""
    return _EVERYWHERE.get(host, f"[{host}]" if ":" in host else host)


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    click.echo(text)


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in aligned columns under their heads."""
    lines = [heads, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
