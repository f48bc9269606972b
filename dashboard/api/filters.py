"""Days and zones of an address, as the store wants them."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest
from ninja import Schema

from chatlog.domain.clock import midnight
from chatlog.domain.filters import SessionFilter
from dashboard.api.schemas import SessionQuery
from dashboard.locale import known_zones
from dashboard.programs.problems import wrong_field

# Midnight in any zone has to be a time, and what is further away is a slip.
EARLIEST, LATEST = date(1990, 1, 1), date(2199, 12, 31)


def check_parameters(request: HttpRequest, known: type[Schema] | None = None) -> None:
    """Raise for a parameter that the address does not have: a filter that is not understood is never ignored."""
    names = [] if known is None else [field.alias or name for name, field in known.model_fields.items()]
    for name in request.GET:
        if name not in names:
            raise wrong_field(name, f"is no parameter here. There are: {', '.join(names) or 'none'}.", value=request.GET[name])


def read_filter(query: SessionQuery) -> SessionFilter:
    """Raises `Problem`."""
    since, until = read_days(query.from_, query.to, read_zone(query.tz))
    return SessionFilter(
        states=frozenset(query.status), agents=tuple(query.agent), tags=tuple(query.tag), since=since, until=until
    )


def read_zone(name: str | None) -> tzinfo:
    """Raises `Problem`."""
    if name is None:
        return ZoneInfo(settings.TIME_ZONE)
    if name not in known_zones():
        raise wrong_field("tz", "is no time zone. Write it like Asia/Tokyo.", value=name)
    return ZoneInfo(name)


def read_days(first: date | None, last: date | None, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
    """From the beginning of the first day to the end of the last. Raises `Problem`."""
    for name, day in (("from", first), ("to", last)):
        if day is not None and not EARLIEST <= day <= LATEST:
            limit = f"{EARLIEST} to {LATEST}"
            raise wrong_field(name, f"is too far away; choose a day from {limit}.", value=str(day), limit=limit)
    if first is not None and last is not None and first > last:
        raise wrong_field("from", f"is after to={last}. Swap the two days.", value=str(first), limit=str(last))
    since = None if first is None else midnight(first, zone)
    return since, None if last is None else midnight(last + timedelta(days=1), zone)
