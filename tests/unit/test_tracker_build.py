"""Check the tracker's bundler, its budget, and that what is built is what is served."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

import hatch_build
from collector.hit import Kind
from collector.ingest.formats.plausible import decode_plausible
from collector.ingest.payload import properties_of, revenue_of
from hatch_build import (
    BUDGET_BYTES,
    CORE_BUDGET_BYTES,
    BundleError,
    build,
    bundle,
    compressed_size,
    module,
    script,
)

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "tracker_js" / "src"
STAMP = re.compile(r"//! footfall [\w.]+\n")
VECTORS = json.loads((ROOT / "tests" / "vectors" / "tracker.json").read_text("utf-8"))


def write(folder: Path, **texts: str) -> Path:
    """Write modules, named without their ending."""
    for name, text in texts.items():
        (folder / f"{name}.js").write_text(text, "utf-8")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Copy what the build needs of the project."""
    shutil.copytree(ROOT / "tracker_js", tmp_path / "tracker_js")
    shutil.rmtree(tmp_path / "tracker_js" / "dist", ignore_errors=True)
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    return tmp_path


def test_whole_tracker_is_within_its_budget(project: Path) -> None:
    """Everything in one file is at most 1 800 bytes gzip."""
    size = build(project)

    assert 1000 < size <= BUDGET_BYTES
    assert size == compressed_size((project / hatch_build.SERVED).read_text("utf-8"))


def test_core_is_within_its_budget() -> None:
    """Pages, navigation, engagement, scroll, events and opt-out are at most 1 000 bytes gzip."""
    assert 500 < compressed_size(hatch_build.core(SOURCE)) <= CORE_BUDGET_BYTES


@pytest.mark.parametrize("budget", ["BUDGET_BYTES", "CORE_BUDGET_BYTES"])
def test_build_says_the_sizes_and_fails_over_a_budget(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], budget: str
) -> None:
    """The build prints both sizes, and ends with an error when one is over its budget."""
    assert 0 == hatch_build.main()
    said = capsys.readouterr().out
    monkeypatch.setattr(hatch_build, budget, 900)

    assert 1 == hatch_build.main()

    assert re.search(r"everything: 1\d{3} bytes gzip of 1800\n.*core: \d+ bytes gzip of 1000", said)
    assert "too large" in capsys.readouterr().err


def test_build_is_stamped_and_reproducible(project: Path) -> None:
    """The built script begins with its version, and building again gives the same bytes."""
    build(project)
    first = (project / hatch_build.SERVED).read_bytes()

    build(project)

    assert STAMP.match(first.decode())
    assert first.decode().endswith(f"\n{hatch_build.whole(project / 'tracker_js' / 'src')}")
    assert first == (project / hatch_build.SERVED).read_bytes()


def test_browsers_are_asked_to_compile_beside_the_page() -> None:
    """The served script begins with Chromium's comment, on a line of its own as it must be."""
    hint, code = hatch_build.whole(SOURCE).split("\n", 1)

    assert "//# allFunctionsCalledOnLoad" == hint
    assert code == script(SOURCE, "main.js")


def test_script_leaves_no_name_behind() -> None:
    """The script is one call of one function, without a word of modules."""
    code = script(SOURCE, "main.js")

    assert code.startswith("(()=>{")
    assert code.endswith("})()")
    assert not re.search(r"\b(?:import|export)\b", code)


def test_module_exports_what_the_types_promise() -> None:
    """The module form exports the functions that the types declare, and nothing else."""
    types = (ROOT / "tracker_js" / "footfall.d.ts").read_text("utf-8")
    declared = re.findall(r"^export function (\w+)", types, re.MULTILINE)

    exported = re.findall(r"export const\{([\w,]+)\}", module(SOURCE))

    assert [",".join(declared)] == exported


def test_built_script_is_kept_where_the_minifier_is_missing(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unpacked source distribution installs without the minifier, with the script it brings."""
    build(project)
    built = (project / hatch_build.SERVED).read_bytes()
    monkeypatch.setitem(sys.modules, "minify", None)

    build(project)

    assert built == (project / hatch_build.SERVED).read_bytes()


def test_build_fails_without_minifier_and_script(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is neither a minifier nor a built script, the build says so."""
    monkeypatch.setitem(sys.modules, "minify", None)

    with pytest.raises(ModuleNotFoundError, match="minify"):
        build(project)


def test_modules_are_joined_once_each_and_the_entry_comes_last(tmp_path: Path) -> None:
    """Imports and exports are removed, and a module that two others import appears once."""
    source = write(
        tmp_path,
        main="import { b } from './hit.js';\nimport { a } from './gate.js';\nb(a);\n",
        hit="import { a } from './gate.js';\nexport const b = () => a;\n",
        gate="export const a = 1;\n",
    )

    assert "const a = 1;\nconst b = () => a;\nb(a);\n" == bundle(source, "main.js")


@pytest.mark.parametrize(
    "line",
    [
        "import a from './gate.js';",
        "import { a } from 'elsewhere';",
        "import './gate.js';",
        "export default 1;",
        "export { a };",
    ],
)
def test_an_unsupported_form_is_refused(tmp_path: Path, line: str) -> None:
    """An import or export that cannot be removed by line is an error that quotes the line."""
    source = write(tmp_path, main=f"{line}\n", gate="export const a = 1;\n")

    with pytest.raises(BundleError, match=re.escape(line)):
        bundle(source, "main.js")


def test_every_module_has_its_place_in_the_order() -> None:
    """The order names every module but the entries, and no module that does not exist."""
    there = {path.name for path in SOURCE.glob("*.js")}

    assert {*hatch_build.ORDER} == there - {"main.js", "index.js", "core.js"}


def test_names_are_declared_once_and_imported_where_they_are_exported() -> None:
    """All modules share one scope, so no two declare one name; every imported name is exported."""
    texts = {path.name: path.read_text("utf-8") for path in SOURCE.glob("*.js")}
    texts = {name: text for name, text in texts.items() if name in hatch_build.ORDER}
    declared = re.compile(r"^(export )?(?:const|let) (\w+)", re.MULTILINE)
    names = [found[2] for text in texts.values() for found in declared.finditer(text)]
    exported = {
        (module, found[2])
        for module, text in texts.items()
        for found in declared.finditer(text)
        if found[1]
    }
    imported = {
        (module, name)
        for text in texts.values()
        for listed, module in re.findall(r"^import \{ (.*) \} from '\./(.*)';", text, re.MULTILINE)
        for name in listed.split(", ")
    }

    assert len(names) == len(set(names))
    assert imported <= exported


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["feature"])
def test_collector_reads_what_the_tracker_sends(vector: dict[str, list[dict[str, object]]]) -> None:
    """Every payload of every vector is read by the collector's own decoder, with all it says."""
    kinds = {"pageview": Kind.PAGEVIEW, "engagement": Kind.ENGAGEMENT}

    for payload in vector["expected"]:
        read = decode_plausible(json.dumps(payload).encode())

        assert kinds.get(str(payload["n"]), Kind.EVENT) == read.kind
        assert payload["u"] == read.url
        assert str(payload["d"]).split(",") == list(read.domains)
        assert payload.get("w", 0) == read.screen_width
        assert (payload.get("sd"), payload.get("e", 0)) == (read.scroll, read.engaged_ms)
        assert (payload.get("r", ""), payload.get("i", True)) == (read.referrer, read.interactive)
        assert properties_of(payload.get("p")) == read.props
        assert revenue_of(payload.get("$")) == read.revenue
        assert ("$" in payload) == (read.revenue is not None)
        assert bool(payload.get("h")) == read.hash_mode
