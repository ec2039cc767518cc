"""Build the tracker: join its modules into one script, minify it, and check its size.

Run by hatchling when a wheel is made, and by `python hatch_build.py`. It needs no Node.
"""

from __future__ import annotations

import gzip
import importlib
import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUDGET_BYTES: Final = 1800
CORE_BUDGET_BYTES: Final = 1000
SERVED: Final = "collector/static/footfall.js"
MODULE: Final = "tracker_js/dist/footfall.mjs"
# Chromium (since 136) then compiles all functions off the main thread while the script loads,
# not at their first call. Other browsers ignore the comment.
EAGER: Final = "//# allFunctionsCalledOnLoad\n"

# The modules in the order in which they are joined; the entry follows. Any order works in which
# refusal.js precedes start.js. This one compresses best, which the budgets need: everything is
# 20 bytes larger in the order of the imports and 10 in that of reading, the core 13 and 5.
ORDER: Final = (
    "refusal.js",
    "start.js",
    "navigation.js",
    "tags.js",
    "gate.js",
    "hit.js",
    "all.js",
    "settings.js",
    "engagement.js",
    "clicks.js",
    "send.js",
    "address.js",
    "snippet.js",
    "edit.js",
    "query.js",
    "route.js",
)

# Replacements for the optional modules, used to measure the core alone. The core has no click ids,
# no site search, no routes in fragments, and sends every payload unchanged.
STAND_INS: Final = {
    "address.js": (
        "export const clean = (url, query = url.search) => url.origin + url.pathname +\n"
        "  query.replace(/[?&](?!utm_|ref=|source=)[^&]*/g, '').replace(/^./, '?');\n"
    ),
    "send.js": (
        "import { settings } from './settings.js';\n"
        "export const send = (payload) => {\n"
        "  payload.d = settings.domain;\n"
        "  navigator.sendBeacon(settings.api, JSON.stringify(payload));\n"
        "};\n"
    ),
}

_MODULE_SYNTAX: Final = r"^(?:import \{.*\} from '\./.*';\n|export (?=const |let ))"


class BundleError(Exception):
    """Raised for a form of import or export that cannot be removed by line."""


def bundle(source: Path, entry: str, stand_ins: Mapping[str, str] | None = None) -> str:
    """Join an entry and the modules it needs, without their imports and exports.

    Args:
        source: the folder of the modules.
        entry: the module to begin with; it comes last.
        stand_ins: texts that replace the modules of these names.

    Raises:
        BundleError: an import or export is written in a form that is not supported.
    """
    texts = _needed(source, entry, stand_ins or {})
    code = "".join(texts[name] for name in sorted(texts, key=(*ORDER, entry).index))
    joined = re.sub(_MODULE_SYNTAX, "", code, flags=re.MULTILINE)
    left = re.search(r"^(?:import|export)\b.*", joined, re.MULTILINE)
    if left:
        raise BundleError(f"unsupported import or export: {left[0]}")
    return joined


def _needed(source: Path, entry: str, stand_ins: Mapping[str, str]) -> dict[str, str]:
    text = stand_ins.get(entry) or (source / entry).read_text("utf-8")
    texts = {entry: text}
    for imported in re.findall(r"^import .* from '\./(.*)';$", text, re.MULTILINE):
        texts |= _needed(source, imported, stand_ins)
    return texts


def script(source: Path, entry: str, stand_ins: Mapping[str, str] | None = None) -> str:
    """Minify an entry and its modules, enclosed in one function."""
    return _minify(f"(()=>{{{bundle(source, entry, stand_ins)}}})()")


def whole(source: Path) -> str:
    """Make the script that is served, without its version comment."""
    return EAGER + script(source, "main.js")


def core(source: Path) -> str:
    """Make the script of the core alone, which is measured and tested but never served."""
    return script(source, "core.js", STAND_INS)


def module(source: Path) -> str:
    """Make the ES module for bundlers, which exports what index.js exports."""
    index = (source / "index.js").read_text("utf-8")
    names = re.findall(r"^export const (\w+)", index, re.MULTILINE)
    listed = ",".join(names)
    code = f"const api=(()=>{{{bundle(source, 'index.js')}return{{{listed}}}}})();"
    return _minify(f"{code}export const {{{listed}}}=api;")


def _minify(code: str) -> str:
    # One keyword for all declarations compresses better: 13 bytes of everything.
    declared = re.sub(r"(?<!export )\bconst (?=[\w{\[])", "let ", code)
    minified: str = importlib.import_module("minify").string("application/javascript", declared)
    return minified


def compressed_size(text: str) -> int:
    """Measure a text as `gzip -9` compresses it, in bytes."""
    return len(gzip.compress(text.encode(), 9, mtime=0))


def build(root: Path) -> int:
    """Build the served script and the module; return the script's compressed size in bytes.

    A script that was built before is kept where the minifier is missing, as in an unpacked source
    distribution.

    Raises:
        ModuleNotFoundError: there is neither a minifier nor a built script.
    """
    served, source = root / SERVED, root / "tracker_js" / "src"
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    stamp = f"//! footfall {project['version']}\n"
    try:
        code = stamp + whole(source)
    except ModuleNotFoundError:
        if served.is_file():
            return compressed_size(served.read_text("utf-8"))
        raise
    for path, text in ((served, code), (root / MODULE, stamp + module(source))):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", newline="\n")
    return compressed_size(code)


class TrackerBuildHook(BuildHookInterface[Any]):
    """Put the built tracker into wheels and source distributions."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, and name the built file, which git ignores.

        Budgets are not enforced here: another machine's zlib may compress a few bytes worse, and
        no installation should fail for that.
        """
        del version
        build(Path(self.root))
        build_data["artifacts"].append(SERVED)


def main() -> int:
    """Build, print the sizes, and fail if a budget is exceeded."""
    root = Path(__file__).parent
    core_bytes = compressed_size(core(root / "tracker_js" / "src"))
    parts = (("everything", build(root), BUDGET_BYTES), ("core", core_bytes, CORE_BUDGET_BYTES))
    for part, size, budget in parts:
        print(f"tracker, {part}: {size} bytes gzip of {budget}")
        if size > budget:
            print(f"the tracker is too large: {part}", file=sys.stderr)
    return int(any(size > budget for _, size, budget in parts))


if __name__ == "__main__":
    sys.exit(main())
