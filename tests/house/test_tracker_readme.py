"""Check that the tracker's README, types, package and vectors say what its code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import hatch_build

ROOT = Path(__file__).parents[2]
TRACKER = ROOT / "tracker_js"
README = (TRACKER / "README.md").read_text("utf-8")
TYPES = (TRACKER / "footfall.d.ts").read_text("utf-8")
SOURCES = {path.name: path.read_text("utf-8") for path in (TRACKER / "src").glob("*.js")}


def section(title: str) -> str:
    """Cut a section out of the README."""
    return README.split(f"## {title}\n")[1].split("\n## ")[0]


def first_column(title: str) -> set[str]:
    """Read the names in the first column of a section's table."""
    rows = re.findall(r"^\| (`.*?) \|", section(title), re.MULTILINE)
    return {name for row in rows for name in row.split("`")[1::2]}


def members(interface: str) -> set[str]:
    """Read the members of an interface in the types."""
    body = TYPES.split(f"interface {interface} {{")[1].split("\n}")[0]
    return set(re.findall(r"^  ([\w$]+)\??:", body, re.MULTILINE))


def keys_sent() -> set[str]:
    """Read the keys of the payloads that hit.js and engagement.js put together, and the later."""
    keys = set()
    for name in ("hit.js", "engagement.js"):
        for written in re.findall(r"send\(\{(.*?)\}\)", SOURCES[name], re.DOTALL):
            keys |= set(re.findall(r"([\w$]+):", written))
    return keys | set(re.findall(r"payload\.(\w+) = ", SOURCES["send.js"] + SOURCES["edit.js"]))


def test_every_key_sent_is_published() -> None:
    """The README's table names the keys of the payload: each of them, and no other."""
    published = first_column("What is sent")

    assert 11 == len(published)
    assert keys_sent() == published


def test_types_and_vectors_know_the_same_keys() -> None:
    """The type of a payload and the vectors have the keys that the README publishes."""
    vectors = json.loads((ROOT / "tests" / "vectors" / "tracker.json").read_text("utf-8"))

    sent = {key for vector in vectors for payload in vector["expected"] for key in payload}

    assert first_column("What is sent") == members("Payload") == sent


def test_every_setting_is_documented() -> None:
    """Each setting that the code asks for is an attribute in the README and has a type."""
    code = "".join(SOURCES.values())
    asked = set(re.findall(r"settings\.(?!js')(\w+)", code)) | set(
        re.findall(r"settings\[(\d+)\]", code)
    )

    named = {name.split("=")[0].removeprefix("data-") for name in first_column("Attributes")}

    assert asked == {re.sub(r"-(\w)", lambda found: found[1].upper(), name) for name in named}
    assert asked == members("Settings")


def test_nothing_forbidden_is_in_the_source() -> None:
    """The source has no cookie, no eval, no inline style, no second place of storage."""
    code = re.sub(r"/\*.*?\*/", "", "".join(SOURCES.values()), flags=re.DOTALL)

    found = re.findall(
        r"\b(?:cookie|eval|Function\(|innerHTML|\.style|sessionStorage|indexedDB|caches|setItem)",
        code,
    )

    assert "localStorage" in code
    assert [] == found


def test_table_of_sizes_is_true() -> None:
    """Our rows beside the peers' say what the build weighs now; no promise outgrows a budget."""
    rows = re.findall(r"^\| \*\*Footfall, (.*?)\*\* \| (.*?) \| (.*?) \|$", README, re.MULTILINE)
    scripts = {
        "the core alone": hatch_build.core(TRACKER / "src"),
        "everything, as served": hatch_build.whole(TRACKER / "src"),
    }

    said = {name: (small.replace(" ", ""), zipped.replace(" ", "")) for name, small, zipped in rows}

    assert said == {
        name: (str(len(text)), str(hatch_build.compressed_size(text)))
        for name, text in scripts.items()
    }
    assert int(said["the core alone"][1]) <= hatch_build.CORE_BUDGET_BYTES
    assert int(said["everything, as served"][1]) <= hatch_build.BUDGET_BYTES
