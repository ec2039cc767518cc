"""The layers of the house: what import-linter is told is all there is to tell."""

from __future__ import annotations

import tomllib

from tests.house.source import ROOT, imports, modules

RULES = 4


def layers() -> list[list[str]]:
    """Read the layers from pyproject.toml, the doors first."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contract = declared["tool"]["importlinter"]["contracts"][0]
    return [[name.strip(" ()") for name in layer.split(":")] for layer in contract["layers"]]


def layer_of(name: str) -> int:
    """Find the layer of a module or of what is imported from it; unnamed ones are rules."""
    while name:
        for depth, layer in enumerate(layers()):
            if name in layer:
                return depth
        name = name.rpartition(".")[0]
    return RULES


def test_there_are_six_layers() -> None:
    """Doors, endpoints, processes, adapters, rules, words."""
    named = layers()

    assert len(named) == 6
    assert "collector.cli" in named[0]
    assert "collector.ingest.pipeline" in named[RULES]
    assert "collector.hit" in named[-1]


def test_every_named_module_exists_but_those_yet_to_come() -> None:
    """A layer names no module that is gone."""
    there = {module.name for module in modules("collector", "dashboards")}

    gone = [name for layer in layers() for name in layer if name not in there]

    assert set(gone) <= {"collector.audit.checks"}


def test_what_is_not_named_is_a_rule() -> None:
    """A module that no layer names imports only rules and words of ours."""
    wrong = [
        f"{module.name} imports {imported}"
        for module in modules("collector", "dashboards")
        if layer_of(module.name) == RULES
        for imported in imports(module)
        if imported.startswith(("collector.", "dashboards.")) and layer_of(imported) < RULES
    ]

    assert wrong == []


def test_rules_touch_no_world() -> None:
    """A rule opens no socket, process, thread or database."""
    world = ("socket", "subprocess", "threading", "asyncio", "sqlite3", "http", "urllib.request")

    wrong = [
        f"{module.name} imports {imported}"
        for module in modules("collector")
        if layer_of(module.name) == RULES
        for imported in imports(module)
        if imported.startswith(world) and not imported.startswith(("socket.inet", "socket.AF"))
    ]

    assert wrong == []
