"""Build the tracker: bundle our own ES modules, minify, stamp, and hold the size budget.

Knows the few forms of import and export that our modules use, and refuses all others with the
file and the line. Called by hatchling when a wheel is made, and by hand or by make:
`python hatch_build.py`. No Node is needed.
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
# Has Chromium (since 136) compile all functions beside the page's main thread, while the script
# loads, in place of each at its first call. To all others it is a comment.
EAGER: Final = "//# allFunctionsCalledOnLoad\n"

# The order that compresses best, found by trying (some 10 bytes better than that of the imports,
# 2026-11). Modules only declare: any order runs in which refusal comes before start.
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
ENTRIES: Final = ("main.js", "index.js", "core.js")

# What the core does without: stand-ins of the optional modules, to measure the core alone. It keeps
# no click ids, no declared search, no route of the fragment, and sends every payload as it is.
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

_IMPORT: Final = re.compile(r"import \{ (\w+(?:, \w+)*) \} from '\./(\w+\.js)';$")
_EXPORT: Final = re.compile(r"export (?=(?:const|let|function|async function) \w)")
_DECLARED: Final = re.compile(r"(export )?(?:const|let|var|class|(?:async )?function) (\w+)")


class BundleError(Exception):
    """Raised if a module uses what the bundler does not know, or the bundle is too large."""


def bundle(source: Path, entry: str, stand_ins: Mapping[str, str] | None = None) -> str:
    """Concatenate an entry and all that it imports, without the imports and exports.

    Args:
        source: the folder of the modules.
        entry: name of the module to begin with; it comes last.
        stand_ins: texts to take instead of modules of that name.

    Raises:
        BundleError: a form of import or export that is not known, a name that is not exported
            or is declared twice, a module that `ORDER` does not name.
    """
    texts: dict[str, str] = {}
    _collect(source, entry, stand_ins or {}, texts)
    unordered = [name for name in texts if name not in (*ORDER, *ENTRIES)]
    if unordered:
        raise BundleError(f"{unordered[0]}: ORDER does not name it")
    _check_names(texts)
    names = sorted(texts, key=(*ORDER, *ENTRIES).index)
    return "".join(_stripped(texts[name]) for name in names)


def _collect(source: Path, name: str, stand_ins: Mapping[str, str], texts: dict[str, str]) -> None:
    if name in texts:
        return
    texts[name] = stand_ins.get(name) or (source / name).read_text("utf-8")
    for number, line in enumerate(texts[name].splitlines(), 1):
        imported = _IMPORT.match(line)
        if imported:
            _collect(source, imported[2], stand_ins, texts)
        elif _is_unknown(line):
            raise BundleError(f"{name}:{number}: the bundler does not know this form: {line}")


def _is_unknown(line: str) -> bool:
    code = line.strip()
    if code.startswith(("*", "/*", "//")):
        return False
    is_import = re.match(r"import\b", code) or re.search(r"\bimport\s*\(", code)
    is_export = re.match(r"export\b", code) and not _EXPORT.match(line)
    return bool(is_import or is_export)


def _check_names(texts: Mapping[str, str]) -> None:
    owners: dict[str, str] = {}
    exported: dict[str, set[str]] = {}
    for module, text in texts.items():
        for found in _DECLARED.finditer(text):
            if text[: found.start()].endswith("\n") or not found.start():
                _claim(owners, found[2], module)
                exported.setdefault(module, set()).update([found[2]] if found[1] else [])
    for module, text in texts.items():
        for line in text.splitlines():
            imported = _IMPORT.match(line)
            for name in imported[1].split(", ") if imported else ():
                if imported and name not in exported.get(imported[2], set()):
                    raise BundleError(f"{module}: {imported[2]} does not export {name}")


def _claim(owners: dict[str, str], name: str, module: str) -> None:
    if name in owners:
        raise BundleError(f"{module}: {name} is declared in {owners[name]} too")
    owners[name] = module


def _stripped(text: str) -> str:
    lines = (line for line in text.splitlines(keepends=True) if not _IMPORT.match(line.rstrip()))
    return "".join(_EXPORT.sub("", line, count=1) for line in lines)


def script(source: Path, entry: str, stand_ins: Mapping[str, str] | None = None) -> str:
    """Make a minified script of an entry, all of it inside one function of its own.

    Raises:
        BundleError: see `bundle`.
        ModuleNotFoundError: the minifier is not installed.
    """
    return _minified(f"(()=>{{{bundle(source, entry, stand_ins)}}})()")


def whole(source: Path) -> str:
    """Make the script of the whole tracker as it is served, but for its stamp.

    Raises:
        BundleError: see `bundle`.
        ModuleNotFoundError: the minifier is not installed.
    """
    return EAGER + script(source, "main.js")


def module(source: Path) -> str:
    """Make a minified ES module of index.js, with its exports.

    Raises:
        BundleError: see `bundle`.
        ModuleNotFoundError: the minifier is not installed.
    """
    names = re.findall(
        r"^export const (\w+)", (source / "index.js").read_text("utf-8"), re.MULTILINE
    )
    listed = ",".join(names)
    code = f"const api=(()=>{{{bundle(source, 'index.js')}return{{{listed}}}}})();"
    return _minified(f"{code}export const {{{listed}}}=api;")


def _minified(code: str) -> str:
    # One word for all that is declared: 12 bytes less of the core, 13 of everything, 2026-11.
    declared = re.sub(r"(?<!export )\bconst (?=[\w{\[])", "let ", code)
    minified: str = importlib.import_module("minify").string("application/javascript", declared)
    return minified


def compressed_size(text: str) -> int:
    """Measure a text as gzip -9 makes it, in bytes."""
    return len(gzip.compress(text.encode(), 9, mtime=0))


def build(root: Path) -> int:
    """Build the served script and the module for bundlers.

    Where the minifier is missing but the built script is there, as in an unpacked source
    distribution, it is kept.

    Args:
        root: the project's folder.

    Returns:
        The size of the served script, gzipped, in bytes.

    Raises:
        BundleError: see `bundle`.
        ModuleNotFoundError: there is neither a minifier nor a built script.
    """
    served, source = root / SERVED, root / "tracker_js" / "src"
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    stamp = f"/*! footfall {project['version']} */"
    try:
        code = f"{stamp}\n{whole(source)}"
    except ModuleNotFoundError:
        if served.is_file():
            return compressed_size(served.read_text("utf-8"))
        raise
    _write(served, code)
    _write(root / MODULE, stamp + module(source))
    return compressed_size(code)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", newline="\n")


class TrackerBuildHook(BuildHookInterface[Any]):
    """Put the built tracker into wheels and source distributions."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, and name the built file, which git does not know.

        The budget is not held here: another machine's zlib may compress a few bytes worse, and
        no installation should fail for that.
        """
        del version
        build(Path(self.root))
        build_data["artifacts"].append(SERVED)


def core(source: Path) -> str:
    """Make the script of the core alone, which is measured and tested, and never served.

    Raises:
        BundleError: see `bundle`.
        ModuleNotFoundError: the minifier is not installed.
    """
    return script(source, "core.js", STAND_INS)


def main() -> int:
    """Build, print the sizes, and fail if a budget is exceeded."""
    root = Path(__file__).parent
    sizes = {
        "everything": (build(root), BUDGET_BYTES),
        "core": (compressed_size(core(root / "tracker_js" / "src")), CORE_BUDGET_BYTES),
    }
    for part, (size, budget) in sizes.items():
        print(f"tracker, {part}: {size} bytes gzip of {budget}")
        if size > budget:
            print(f"the tracker is too large: {part}", file=sys.stderr)
    return int(any(size > budget for size, budget in sizes.values()))


if __name__ == "__main__":
    sys.exit(main())
