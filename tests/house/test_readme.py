"""What the README promises: its commands work, its table is the code's."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from collector.cells.views import DIMENSIONS
from collector.cli import footfall
from tests.house.source import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def code_lines(document: str) -> list[str]:
    """List the lines of a document's shell blocks, comments cut off."""
    blocks = re.findall(r"```sh\n(.*?)```", document, re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line.partition(" #")[0].strip() for line in lines if line.strip()]


def make_words() -> set[str]:
    """List the targets of the Makefile that have a description."""
    targets = re.findall(r"^([a-z -]+):.*## ", MAKEFILE, re.MULTILINE)
    return {word for listed in targets for word in listed.split()}


@pytest.mark.parametrize(
    "document",
    [README, OPERATIONS, CONTRIBUTING],
    ids=["README", "operations", "CONTRIBUTING"],
)
def test_every_make_word_exists(document: str) -> None:
    """What follows `make` in a document is a word of the Makefile."""
    used = {line.split()[1] for line in code_lines(document) if line.startswith("make ")}

    assert used
    assert used <= make_words()


@pytest.mark.parametrize("document", [README, OPERATIONS], ids=["README", "operations"])
def test_every_footfall_command_parses(document: str) -> None:
    """Each command line of a document is one that the command understands."""
    lines = [line for line in code_lines(document) if "bin/footfall " in line]

    assert lines
    for line in lines:
        arguments = shlex.split(line.partition("bin/footfall ")[2].partition(" | ")[0])
        command: click.Command = footfall
        while isinstance(command, click.Group):
            found = command.get_command(click.Context(command), arguments.pop(0))
            assert found is not None, line
            command = found
        command.make_context(command.name, arguments, resilient_parsing=False)


def test_every_make_word_is_explained() -> None:
    """Every target that can be typed has a description."""
    declared = re.search(r"^\.PHONY: (.+?)\n\n", MAKEFILE, re.MULTILINE | re.DOTALL)
    assert declared is not None

    assert {*declared[1].replace("\\", " ").split()} <= make_words()


def test_what_make_runs_is_there() -> None:
    """Every module and script that the Makefile starts is a file of the house."""
    scripts = re.findall(r"bin/python ([\w/]+\.py)|BIN\)/python ([\w/]+\.py)", MAKEFILE)
    started = re.findall(r"python -m (tests[\w.]*)", MAKEFILE)

    assert scripts
    assert started
    for first, second in scripts:
        assert (ROOT / (first or second)).is_file()
    for module in started:
        folder = ROOT / module.replace(".", "/")
        assert folder.with_suffix(".py").is_file() or (folder / "__main__.py").is_file()


def test_the_table_of_what_is_kept_is_the_codes() -> None:
    """README lists every dimension with the words of the notice, and no other."""
    part = README.partition("<!-- kept:")[2].partition("<!-- end of kept -->")[0]

    listed = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", part, re.MULTILINE)[1:]

    assert [("---", "---")] != listed
    assert [row for row in listed if row != ("---", "---")] == [
        (dimension.label, dimension.notice) for dimension in DIMENSIONS.values()
    ]


def test_the_snippet_is_the_one_the_command_prints() -> None:
    """README's snippet has the form that `footfall site add` prints."""
    assert (
        '<script async data-domain="example.org" '
        'src="https://stats.example.org/js/footfall.js"></script>'
    ) in README
