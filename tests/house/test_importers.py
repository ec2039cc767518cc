"""Every foreign thing has one importer, so that it can be changed in one place."""

from __future__ import annotations

import ast

import pytest

from tests.house.source import imports, modules

IMPORTERS = {
    "sqlite3": {"collector/spool/database.py", "collector/registry/database.py"},
    "clickhouse_connect": {"collector/cells/client.py"},
    "chdb": set(),
    "geoip2": {"collector/ingest/enrich/geo.py"},
    "maxminddb": {"collector/ingest/enrich/geo.py"},
    "iptocc": {"collector/ingest/enrich/geo.py"},
    "argon2": {"collector/registry/accounts.py"},
    "time": {"collector/clock.py"},
    "uvicorn": {"collector/server.py", "collector/ingest/http_limits.py"},
    "click": {"collector/cli.py", "collector/server.py", "collector/commands"},
}

# Names that read the machine's clock or environment without an import of their own.
CLOCKS = {"now", "utcnow", "today"}
ENVIRONMENT = {"environ", "getenv", "environb"}


@pytest.mark.parametrize("foreign", IMPORTERS)
def test_a_foreign_thing_has_its_one_importer(foreign: str) -> None:
    """Nothing but the module that is named for it imports the package."""
    found = {
        module.place
        for module in modules("collector", "dashboards")
        for imported in imports(module)
        if imported.partition(".")[0] == foreign
    }

    allowed = IMPORTERS[foreign]

    assert [place for place in found if not place.startswith(tuple(allowed))] == []
    assert bool(found) == bool(allowed)


def test_only_the_settings_read_the_environment() -> None:
    """os.environ and os.getenv appear in settings.py alone."""
    found = {
        module.place
        for module in modules("collector", "dashboards")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and node.attr in ENVIRONMENT
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    }

    assert found == {"collector/settings.py"}


def test_only_the_clock_tells_the_time() -> None:
    """No module asks datetime or date for the present."""
    found = {
        module.place
        for module in modules("collector", "dashboards")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and node.attr in CLOCKS
        and isinstance(node.value, ast.Name)
        and node.value.id in ("datetime", "date")
    }

    assert found == set()
