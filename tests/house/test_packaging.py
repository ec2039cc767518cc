"""What pyproject.toml, the changelog and the tracker's package say of the project agrees."""

from __future__ import annotations

import json
import re
import sys
import tomllib

from collector import __version__
from tests.house.source import ROOT, imports, modules

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PACKAGE = json.loads((ROOT / "tracker_js/package.json").read_text("utf-8"))
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")

# Packages that we extend in ways their authors did not document, though no name begins with `_`.
EXTENDED = {"uvicorn"}


def test_the_version_is_the_same_everywhere() -> None:
    """Both packages, the code and the top of the changelog name one version."""
    top = re.search(r"^## \[([^\]]+)\]", CHANGELOG, re.MULTILINE)

    assert top is not None
    package = PACKAGE["version"].replace("-dev.", ".dev")  # npm takes semantic versions only
    assert {__version__} == {PROJECT["version"], package, top[1]}


def test_released_versions_have_a_date() -> None:
    """Every section of the changelog has a date, but a version in development says `unreleased`."""
    headers = re.findall(r"^## \[(.+?)\] - (.+)$", CHANGELOG, re.MULTILINE)

    assert len(headers) == len(re.findall(r"^## ", CHANGELOG, re.MULTILINE))
    for version, date in headers:
        assert re.fullmatch(r"unreleased" if "dev" in version else r"\d{4}-\d\d-\d\d", date)


def test_everything_has_one_licence() -> None:
    """The Python package, the tracker's package and the licence text are Apache-2.0."""
    text = (ROOT / "LICENSE").read_text("utf-8")

    assert {"Apache-2.0"} == {PROJECT["license"], PACKAGE["license"]}
    assert "Apache License\n                           Version 2.0, January 2004" in text


def test_typed_packages_say_so() -> None:
    """Type checkers of other projects read the annotations of both packages."""
    assert (ROOT / "collector/py.typed").is_file()
    assert (ROOT / "dashboards/py.typed").is_file()


def test_packages_whose_private_parts_are_used_have_an_upper_bound() -> None:
    """A new release of a package cannot break what we use of it without being documented."""
    used = {
        imported.partition(".")[0]
        for module in modules("collector", "dashboards")
        for imported in imports(module)
        if re.search(r"\._[a-z]", imported)
    }
    foreign = {name.replace("_", "-") for name in used - {"collector"} - sys.stdlib_module_names}

    bounded = {
        re.split(r"[\[<>=]", requirement)[0]
        for requirement in PROJECT["dependencies"]
        if "<" in requirement
    }

    assert "is-bot" in foreign
    assert foreign | EXTENDED <= bounded
