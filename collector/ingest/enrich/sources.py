"""Look up the hosts, brands and apps that visits come from, and spam referrers.

Reads `data/sources.toml` and `data/spam.toml` once.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import NamedTuple

from collector.ingest.enrich.channels import SourceKind

_SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "gov", "net", "org"})
_HOST_LABELS = 12
"""Labels of a host name that are looked at, from the right."""


class KnownSource(NamedTuple):
    """A known source: its brand, and the kind of place it is."""

    name: str
    kind: SourceKind


class KnownSources:
    """Known hosts, tag spellings, brands and spam hosts; immutable.

    Attributes:
        brands: names of all known sources, which folding trusts.
    """

    def __init__(
        self, tables: Mapping[str, Mapping[str, Iterable[str]]], spam: Iterable[str]
    ) -> None:
        self._hosts: dict[str, KnownSource] = {}
        self._labels: dict[str, KnownSource] = {}
        self._names: dict[str, KnownSource] = {}
        self._spam = frozenset(spam)
        for kind, brands in tables.items():
            for name, spellings in brands.items():
                self._learn(KnownSource(name, SourceKind(kind)), spellings)
        self.brands = frozenset(known.name for known in self._names.values())

    def by_host(self, host: str) -> KnownSource | None:
        """Find the source of a host name, lower case.

        The host itself first, then its parents, then a brand under any country's suffix.
        """
        labels = host.split(".")[-_HOST_LABELS:]
        for start in range(len(labels) - 1):
            known = self._hosts.get(".".join(labels[start:]))
            if known:
                return known
        return self._by_label(labels)

    def by_app(self, app: str) -> KnownSource | None:
        """Find the source of an Android app, by the whole of its id in lower case."""
        return self._hosts.get(app)

    def by_name(self, name: str) -> KnownSource | None:
        """Find the source that a tag names: a brand, one of its spellings, or a host."""
        wanted = name.strip().lower()
        known = self._names.get(wanted)
        if known or "." not in wanted:
            return known
        return self.by_host(wanted.removeprefix("www."))

    def is_spam(self, host: str) -> bool:
        """Return whether a host or one of its parents is on the spam list."""
        return is_listed(host, self._spam)

    def _by_label(self, labels: list[str]) -> KnownSource | None:
        if len(labels) < 2:
            return None
        if len(labels) > 2 and labels[-2] in _SECOND_LEVEL:
            return self._labels.get(labels[-3])
        return self._labels.get(labels[-2])

    def _learn(self, known: KnownSource, spellings: Iterable[str]) -> None:
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


def is_listed(host: str, hosts: frozenset[str]) -> bool:
    """Return whether a host name or one of its parents is in a list."""
    labels = host.split(".")[-_HOST_LABELS:]
    return any(".".join(labels[start:]) in hosts for start in range(len(labels)))


def read_sources() -> KnownSources:
    """Read our lists."""
    spam = tomllib.loads(_ours("spam.toml"))["hosts"]
    return KnownSources(tomllib.loads(_ours("sources.toml")), spam)


def _ours(name: str) -> str:
    return (files("collector.ingest.enrich") / "data" / name).read_text(encoding="utf-8")


KNOWN_SOURCES = read_sources()
