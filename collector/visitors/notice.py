"""Write the privacy notice of a site from the settings, views and thresholds in force.

Every statement that the code can make is generated: a changed setting changes the notice.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

import msgspec

from collector.cells.thresholds import NEVER, Profile, profile_of, threshold
from collector.cells.views import DIMENSIONS, VIEWS, Grain, View
from collector.ingest.visits import VISIT_GAP_S
from collector.privacy.day_secrets import GRACE_S
from collector.registry.sites import Site
from collector.settings import Settings
from collector.visitors.responses import url_in
from collector.visitors.translations import Words, counted_in, direction_of, words_of

TEXT_OF: Final = date(2026, 11, 28)
"""When the wording last changed a promise; also `lastUpdate` of Global Privacy Control."""

BREACH_HOURS: Final = 72
"""Source: GDPR, Article 33."""

SIGNALS: Final = ("opt_out", "gpc", "dnt")
_GRAIN_WORDS: Final = {1: "by_day", 2: "by_hour", 3: "by_minute"}


class KeptView(msgspec.Struct, frozen=True):
    """One view that is kept, in machine-readable form.

    Attributes:
        id: never reused.
        dimensions: none for the total, two for a pair.
        grains: `day`, `hour`, `minute`.
        days: retention of daily cells.
        hour_days: retention of hourly cells; 0 without such.
        least_visitors: a value with fewer visitors is not listed; 0 for always listed.
    """

    id: int
    name: str
    dimensions: tuple[str, ...]
    grains: tuple[str, ...]
    days: int
    hour_days: int
    least_visitors: int


class NoticeLimits(msgspec.Struct, frozen=True):
    """Numbers of visitors below which values are left out: `thresholds.Profile` for machines.

    Attributes:
        snapshot_seconds: age of the snapshot that answers for an open day; 0 for none.
    """

    hour: int
    thin_day: int
    thin_hour: int
    small_sums: int
    averaged: int
    thin_while_open: bool
    snapshot_seconds: int


class Section(msgspec.Struct, frozen=True):
    """A heading and its content; empty parts are not shown.

    Attributes:
        heads: column headings of `rows`.
    """

    id: str
    title: str
    text: str = ""
    items: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    closing: str = ""


class Notice(msgspec.Struct, frozen=True):
    """The notice of one site in one language.

    Attributes:
        controller: the data controller; empty if the owner is not named.
        public: whether the numbers are public.
        zone: the IANA time zone of the site's days.
        place: the finest location looked up: country, region or city.
        signals: the refusals that are honoured, in order of precedence.
        secret_seconds: time from the end of a day to the destruction of its secret.
        visit_seconds: time from the last activity of a visit until it is forgotten.
        opt_out: URL of the opt-out page, or its path.
        me: URL or path of the visitor's own data.
        kept: every view that is kept, and no other.
    """

    site: str
    language: str
    direction: str
    text_of: date
    controller: str
    public: bool
    profile: str
    zone: str
    place: str
    secrets_store: str
    secret_seconds: int
    visit_seconds: int
    breach_hours: int
    signals: tuple[str, ...]
    opt_out: str
    me: str
    title: str
    lead: str
    sections: tuple[Section, ...]
    limits: NoticeLimits
    kept: tuple[KeptView, ...]


def notice_of(site: Site, settings: Settings, language: str) -> Notice:
    """Write the notice of a site.

    Args:
        language: a key of `translations.LANGUAGES`.
    """
    words = words_of(language)
    base = settings.public_url
    return Notice(
        site=site.domain,
        language=language,
        direction=direction_of(language),
        text_of=TEXT_OF,
        controller=site.controller,
        public=site.public,
        profile=site.profile,
        zone=site.zone,
        place=_place(site, settings),
        secrets_store=settings.secrets.store,
        secret_seconds=GRACE_S,
        visit_seconds=VISIT_GAP_S,
        breach_hours=BREACH_HOURS,
        signals=SIGNALS,
        opt_out=base + url_in("/opt-out", language),
        me=base + url_in(f"/privacy/{site.domain}/me", language),
        title=words["notice"]["title"].format(site=site.domain),
        lead=words["notice"]["lead"],
        sections=_sections(site, settings, language),
        limits=_limits(profile_of(site.profile)),
        kept=tuple(_kept(view, site) for view in kept_views(site)),
    )


def kept_views(site: Site) -> tuple[View, ...]:
    """List the views whose values are ever shown for a site."""
    profile = profile_of(site.profile)
    return tuple(view for view in VIEWS if threshold(profile, view) < NEVER)


def field_words(name: str, words: Words) -> tuple[str, str]:
    """Return a dimension's label and what is kept of it; the English text is in `views`."""
    if "fields" in words:
        label, what = words["fields"][name]
        return label, what
    return DIMENSIONS[name].label, DIMENSIONS[name].notice


def view_words(view: View, words: Words) -> str:
    """Return the display name of a view: its dimensions, or the total."""
    labels = [field_words(name, words)[0] for name in view.dimensions]
    return " × ".join(labels) or words["notice"]["total"][0]


def grain_words(view: View, words: Words) -> str:
    """Return the intervals by which a view is counted, in words."""
    return str(words["notice"][_GRAIN_WORDS[len(view.grains)]])


def _kept(view: View, site: Site) -> KeptView:
    has_hours = Grain.HOUR in view.grains
    return KeptView(
        id=view.id,
        name=view.name,
        dimensions=view.dimensions,
        grains=tuple(grain.name.lower() for grain in view.grains),
        days=site.pair_days if len(view.dimensions) == 2 else site.total_days,
        hour_days=0 if not has_hours else site.hour_days if view.dimensions else site.total_days,
        least_visitors=threshold(profile_of(site.profile), view),
    )


def _limits(profile: Profile) -> NoticeLimits:
    return NoticeLimits(**{name: getattr(profile, name) for name in NoticeLimits.__struct_fields__})


def _sections(site: Site, settings: Settings, language: str) -> tuple[Section, ...]:
    words = words_of(language)
    t, profile = words["notice"], profile_of(site.profile)
    return (
        _named(t, "controller", text=_controller(site, t)),
        _named(t, "purposes", items=t["purposes"], closing=t["purposes_never"]),
        _named(t, "choice", items=t["choice"]),
        _named(t, "read", text=t["read_lead"], items=_read(site, settings, t)),
        _kept_section(site, words),
        _pairs_section(site, words),
        _named(t, "small", items=_small(profile, t)),
        _named(t, "retention", items=_retention(site, t, language)),
        _named(t, "access", text=t[_access(site)].format(site=site.domain)),
        _named(t, "secrets", text=t[f"secrets_{settings.secrets.store}"]),
        _named(t, "breach", text=t["breach"].format(hours=BREACH_HOURS)),
        _named(t, "rights", text=t["rights"]),
        _named(t, "limits", items=_beyond(site, t)),
    )


def _named(
    t: Words, name: str, *, text: str = "", items: Iterable[str] = (), closing: str = ""
) -> Section:
    return Section(name, t[f"{name}_title"], text=text, items=tuple(items), closing=closing)


def _controller(site: Site, t: Words) -> str:
    wording = t["controller" if site.controller else "controller_unnamed"]
    return str(wording.format(controller=site.controller, site=site.domain))


def _place(site: Site, settings: Settings) -> str:
    if not settings.has_places:
        return "country"
    return "city" if threshold(profile_of(site.profile), _CITY) < NEVER else "region"


def _read(site: Site, settings: Settings, t: Words) -> list[str]:
    place = t[f"place_{_place(site, settings)}"]
    return [item.format(place=place) for item in t["read"]]


def _kept_section(site: Site, words: Words) -> Section:
    t, profile = words["notice"], profile_of(site.profile)
    rows = [
        (*_row_words(view, words), grain_words(view, words), _least(threshold(profile, view), t))
        for view in kept_views(site)
        if len(view.dimensions) < 2
    ]
    return Section(
        "kept", t["kept_title"], text=t["kept_lead"], heads=tuple(t["heads"]), rows=tuple(rows)
    )


def _row_words(view: View, words: Words) -> tuple[str, str]:
    if not view.dimensions:
        label, what = words["notice"]["total"]
        return label, what
    return field_words(view.dimensions[0], words)


def _pairs_section(site: Site, words: Words) -> Section:
    t, profile = words["notice"], profile_of(site.profile)
    pairs = [view for view in kept_views(site) if len(view.dimensions) == 2]
    least = min(threshold(profile, view) for view in pairs)
    return Section(
        "pairs",
        t["pairs_title"],
        text=t["pairs_lead"].format(count=len(pairs), visitors=least),
        items=tuple(view_words(view, words) for view in pairs),
    )


def _least(visitors: int, t: Words) -> str:
    if visitors == 0:
        return str(t["always"])
    return str(t["least_one"] if visitors == 1 else t["least"].format(visitors=visitors))


def _small(profile: Profile, t: Words) -> list[str]:
    given: dict[str, Any] = {
        "hour": profile.hour,
        "thin_day": profile.thin_day,
        "thin_hour": profile.thin_hour,
        "small_sums": profile.small_sums,
    }
    items = [item.format(**given) for item in t["small"]]
    if profile.averaged > profile.closed:
        items.append(t["averaged"].format(averaged=profile.averaged))
    if profile.thin_while_open:
        items.append(t["thin_now"])
    if profile.snapshot_seconds:
        items.append(t["snapshot"].format(minutes=profile.snapshot_seconds // 60))
    return items


def _access(site: Site) -> str:
    return "access_public" if site.public else "access_closed"


def _beyond(site: Site, t: Words) -> list[str]:
    return [*t["limits"], *([t["public_users"]] if site.public_users else [])]


def _retention(site: Site, t: Words, language: str) -> list[str]:
    given: dict[str, Any] = {
        "days": counted_in(language, "day", site.total_days),
        "pair_days": counted_in(language, "day", site.pair_days),
        "hour_days": counted_in(language, "day", site.hour_days),
        "zone": site.zone,
        "secret_minutes": GRACE_S // 60,
        "visit_minutes": VISIT_GAP_S // 60,
    }
    return [item.format(**given) for item in t["retention"]]


_CITY: Final = next(view for view in VIEWS if view.dimensions == ("city",))
