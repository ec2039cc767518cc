"""The layers of pyproject.toml are complete, and what they call pure is pure."""

from __future__ import annotations

import tomllib

from tests.house.source import ROOT, imports, modules

# What reaches outside the process, or runs beside the event loop.
WORLD = ("socket", "subprocess", "threading", "asyncio", "sqlite3", "http.client", "urllib.request")
# Folders and files in which a module may use it; all other modules are pure.
WORLDLY = (
    "collector/app.py",
    "collector/audit/probe.py",
    "collector/cells/client.py",
    "collector/commands/service.py",
    "collector/counters.py",
    "collector/demo/seed.py",
    "collector/ingest/fast_path.py",
    "collector/ingest/handler.py",
    "collector/ingest/http_limits.py",
    "collector/ingest/idempotency.py",
    "collector/registry/database.py",
    "collector/server.py",
    "collector/service/",
    "collector/spool/",
    "collector/stats/reader.py",
    "dashboards/routes.py",
)


def test_every_module_is_in_a_layer() -> None:
    """No folder or module at the top of a package escapes the contract."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contract = declared["tool"]["importlinter"]["contracts"][0]
    layers = {name.strip() for layer in contract["layers"] for name in layer.split("|")}

    there = {
        ".".join(module.name.split(".")[:2])
        for module in modules("collector")
        if module.name != "collector"
    }

    assert layers == there | {"dashboards"}


def test_pure_modules_touch_no_world() -> None:
    """Only the named modules open a socket, a process, a thread or a database."""
    wrong = [
        f"{module.name} imports {imported}"
        for module in modules("collector", "dashboards")
        if not module.place.startswith(WORLDLY)
        for imported in imports(module)
        if f"{imported}.".startswith(tuple(f"{name}." for name in WORLD))
        and not imported.startswith(("socket.inet", "socket.AF"))
    ]

    assert wrong == []
