"""Know the hosts, brands and apps that visits come from, and the spammers among referrers.

Reads `data/sources.toml` and `data/spam.toml`, and an owner's own lists after
them; refuses to guess. Pure once read; called by `ingest.acquisition`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any, NamedTuple

from collector.errors import SettingsError
from collector.ingest.channels import SourceKind

_SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "gov", "net", "org"})
_HOST_LABELS = 12
"""Labels of a host name that are looked at, from the right."""


class Known(NamedTuple):
    """A known source: its brand, and the kind of place it is."""

    name: str
    kind: SourceKind


class KnownSources:
    """What is known of hosts, tag spellings, brands and spam; never changes once made.

    Attributes:
        brands: names of all known sources, which folding trusts.
    """

    def __init__(
        self, tables: Mapping[str, Mapping[str, Iterable[str]]], spam: Iterable[str]
    ) -> None:
        self._hosts: dict[str, Known] = {}
        self._labels: dict[str, Known] = {}
        self._names: dict[str, Known] = {}
        self._spam = frozenset(spam)
        for kind, brands in tables.items():
            for name, spellings in brands.items():
                self._learn(Known(name, SourceKind(kind)), spellings)
        self.brands = frozenset(known.name for known in self._names.values())

    def by_host(self, host: str) -> Known | None:
        """Find the source of a host name, lower case.

        The host itself first, then its parents, then a brand under any country's suffix.
        """
        labels = host.split(".")[-_HOST_LABELS:]
        for start in range(len(labels) - 1):
            known = self._hosts.get(".".join(labels[start:]))
            if known:
                return known
        return self._by_label(labels)

    def by_app(self, app: str) -> Known | None:
        """Find the source of an Android app, by the whole of its id in lower case."""
        return self._hosts.get(app)

    def by_name(self, name: str) -> Known | None:
        """Find the source that a tag names: a brand, one of its spellings, or a host."""
        wanted = name.strip().lower()
        known = self._names.get(wanted)
        if known or "." not in wanted:
            return known
        return self.by_host(wanted.removeprefix("www."))

    def is_spam(self, host: str) -> bool:
        """Tell whether a host or one of its parents is on the spam list."""
        labels = host.split(".")[-_HOST_LABELS:]
        return any(".".join(labels[start:]) in self._spam for start in range(len(labels)))

    def _by_label(self, labels: list[str]) -> Known | None:
        if len(labels) < 2:
            return None
        if len(labels) > 2 and labels[-2] in _SECOND_LEVEL:
            return self._labels.get(labels[-3])
        return self._labels.get(labels[-2])

    def _learn(self, known: Known, spellings: Iterable[str]) -> None:
        brand = known.name.lower()
        self._names[brand] = known
        self._names[brand.replace(" ", "")] = known
        for spelling in spellings:
            if spelling.endswith(".*"):
                self._labels[spelling[:-2]] = known
                self._names.setdefault(spelling[:-2], known)
            elif "." in spelling:
                self._hosts[spelling] = known
                self._names.setdefault(spelling, known)
            else:
                self._names[spelling] = known


def read_sources(own_sources: str = "", own_spam: Iterable[str] = ()) -> KnownSources:
    """Read our lists, and an owner's after them.

    Args:
        own_sources: TOML text in the form of `data/sources.toml`; its lines win over ours.
        own_spam: host names; their subdomains are meant too.

    Raises:
        SettingsError: if the owner's list is not TOML or names an unknown kind.
    """
    tables = tomllib.loads(_ours("sources.toml"))
    spam = tomllib.loads(_ours("spam.toml"))["hosts"]
    for kind, brands in _owners(own_sources).items():
        tables.setdefault(kind, {}).update(brands)
    return KnownSources(tables, (*spam, *own_spam))


def _owners(text: str) -> dict[str, Any]:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as broken:
        raise SettingsError(f"the list of sources is no TOML: {broken}") from broken
    kinds = {kind.value for kind in SourceKind if kind}
    for kind in tables:
        if kind not in kinds:
            raise SettingsError(f"{kind!r} is no kind of source; use one of {sorted(kinds)}")
    return tables


def _ours(name: str) -> str:
    return (files("collector.ingest") / "data" / name).read_text(encoding="utf-8")


KNOWN_SOURCES = read_sources()
