"""The site-local day, hour and minute of an instant."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from collector.errors import SettingsError

EPOCH = date(1970, 1, 1)
MINUTE = 60
DAY_SECONDS = 86_400


class Day(NamedTuple):
    """One site-local day.

    Attributes:
        number: days since 1970-01-01 of the local date.
        opens_at: the instant the day begins, in seconds since 1970.
        closes_at: the instant the next local day begins; 23 to 25 hours later.
    """

    number: int
    opens_at: int
    closes_at: int

    @property
    def date(self) -> date:
        """The local date."""
        return EPOCH + timedelta(days=self.number)


class Moment(NamedTuple):
    """The local day, hour and minute of an instant.

    Attributes:
        day: the local day.
        hour: the instant the local hour began, in seconds since 1970.
        minute: the instant the minute began, in seconds since 1970.
    """

    day: Day
    hour: int
    minute: int


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """Return an IANA time zone.

    Raises:
        SettingsError: if there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as unknown:
        raise SettingsError(f"{name!r} is not a time zone; use e.g. Europe/Berlin") from unknown


def day_number(day: date) -> int:
    """Return the number of days from 1970-01-01 to a date."""
    return (day - EPOCH).days


def months_before(day: date, months: int) -> date:
    """Return the first day of the month a number of months before a date."""
    index = day.year * 12 + day.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)


@lru_cache(maxsize=4096)
def day_of_date(zone: str, day: date) -> Day:
    """Return the day of a local date in a zone."""
    where = zone_of(zone)
    opens = _midnight(day, where)
    return Day(day_number(day), opens, _midnight(day + timedelta(days=1), where))


def day_at(zone: str, instant: float) -> Day:
    """Return the local day of an instant."""
    return _day_of_quarter(zone, int(instant) // (15 * MINUTE))


def hour_at(zone: str, instant: float) -> int:
    """Return the instant at which the local hour of an instant began.

    All zones in use today have offsets of whole quarter hours, so the local hour is constant
    within a quarter of an hour.
    """
    return _hour_of_quarter(zone, int(instant) // (15 * MINUTE))


def minute_at(instant: float) -> int:
    """Return the instant at which the minute of an instant began."""
    return int(instant) // MINUTE * MINUTE


@lru_cache(maxsize=4096)
def moment_of_minute(zone: str, minute: int) -> Moment:
    """Return the local day, hour and minute of an instant, in one step.

    Args:
        minute: minutes since 1970; a whole number, so that the answer is cached.
    """
    instant = minute * MINUTE
    return Moment(day_at(zone, instant), hour_at(zone, instant), instant)


@lru_cache(maxsize=4096)
def _day_of_quarter(zone: str, quarter: int) -> Day:
    instant = quarter * 15 * MINUTE
    local = datetime.fromtimestamp(instant, zone_of(zone)).date()
    day = day_of_date(zone, local)
    # Where clocks are set back across midnight, an instant after it has the date before.
    if instant >= day.closes_at:
        return day_of_date(zone, local + timedelta(days=1))
    if instant < day.opens_at:
        return day_of_date(zone, local - timedelta(days=1))
    return day


@lru_cache(maxsize=4096)
def _hour_of_quarter(zone: str, quarter: int) -> int:
    instant = quarter * 15 * MINUTE
    offset = datetime.fromtimestamp(instant, zone_of(zone)).utcoffset() or timedelta()
    shift = int(offset.total_seconds())
    return (instant + shift) // 3600 * 3600 - shift


def _midnight(day: date, zone: ZoneInfo) -> int:
    # Where clocks skip midnight, its timestamp is the instant at which they are set forward.
    return int(datetime.combine(day, time(), tzinfo=zone).timestamp())
