"""The filters of the sessions page as they stand in its address: read, checked, and taken off one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils.translation import gettext as _

from chatlog.domain import limits
from chatlog.domain.clock import midnight
from chatlog.domain.filters import SessionFilter
from chatlog.domain.models import SessionState
from chatlog.domain.query import MAX_QUERY_CHARACTERS, MAX_TERMS
from chatlog.domain.search import parse_terms
from dashboard.locale import known_zones

NAMES = ("status", "agent", "tag", "from", "to", "began", "tz", "q", "starred")
# More than anybody picks by hand; each costs a look at every session.
MOST_VALUES = 10
# Of an address's query string: room for the longest text in any script, and names beside it.
MAX_FILTER_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class FilterChip:
    """A filter that is in force, and the query string that is left without it."""

    name: str
    value: str
    query_without: str


@dataclass(frozen=True, slots=True)
class ListFilter:
    """What an address asks for.

    Attributes:
        where: which sessions; under problems as much of it as is understood.
        is_starred_first: whether starred sessions come before the others.
        values: the parameters as they were given, for the form.
        query: all of it as a query string, always in the same order; empty without any filter.
        problems: a sentence for each parameter that is not understood.
    """

    where: SessionFilter
    is_starred_first: bool
    values: dict[str, list[str]]
    query: str
    chips: tuple[FilterChip, ...]
    problems: tuple[str, ...]


def read_filter(params: QueryDict, *, zone: tzinfo) -> ListFilter:
    """Read the filters of an address. Never raises: what is not understood is in `problems`.

    Args:
        zone: whose days `from` and `to` mean where no `tz` says so; both are included.
    """
    given = {name: [value.strip() for value in params.getlist(name) if value.strip()] for name in NAMES}
    values = {name: list(dict.fromkeys(found)) for name, found in given.items() if found}
    problems: list[str] = []
    where = _Reader(values, zone, problems).read()
    return ListFilter(where, values.get("starred") == ["1"], values, _write(values), tuple(_chips(values)), tuple(problems))


@dataclass(frozen=True, slots=True)
class _Reader:
    values: dict[str, list[str]]
    zone: tzinfo
    problems: list[str]

    def read(self) -> SessionFilter:
        since, until = self._read_days(self._read_zone())
        must_begin = self._read_switch("began", _("began=%(value)s is not understood; use began=1."))
        text = " ".join(self.values.get("q", ()))
        if len(text) > MAX_QUERY_CHARACTERS:
            limit = f"{MAX_QUERY_CHARACTERS:,}"
            self._complain(_("The text has %(count)s characters; the limit is %(limit)s."), count=f"{len(text):,}", limit=limit)
            text = ""
        terms = parse_terms(text)
        if len(terms) > MAX_TERMS:
            self._complain(_("The text has %(count)s words; the limit is %(limit)s."), count=len(terms), limit=MAX_TERMS)
        self._read_switch("starred", _("starred=%(value)s is not understood; use starred=1."))
        return SessionFilter(
            states=frozenset(self._read_states()),
            agents=self._read_names("agent", longest=limits.MAX_SOURCE_CHARACTERS),
            tags=self._read_names("tag", longest=limits.MAX_TAG_CHARACTERS),
            since=since,
            until=until,
            must_begin_since=must_begin and since is not None,
            terms=terms[:MAX_TERMS],
        )

    def _read_states(self) -> Iterator[SessionState]:
        for value in self.values.get("status", ()):
            if value in frozenset(SessionState):
                yield SessionState(value)
            else:
                known = ", ".join(SessionState)
                self._complain(_("“%(value)s” is no status. There are: %(known)s."), value=_short(value), known=known)

    def _read_names(self, name: str, *, longest: int) -> tuple[str, ...]:
        names = self.values.get(name, [])
        if len(names) > MOST_VALUES:
            self._complain(
                _("%(name)s is given %(count)s times; the limit is %(limit)s."), name=name, count=len(names), limit=MOST_VALUES
            )
        for value in names:
            if len(value) > longest:
                self._complain(
                    _("“%(value)s” is too long; the limit is %(limit)s characters."), value=_short(value), limit=longest
                )
        return tuple(value for value in names if len(value) <= longest)[:MOST_VALUES]

    def _read_switch(self, name: str, complaint: str) -> bool:
        values = self.values.get(name, [])
        if values and values != ["1"]:
            self._complain(complaint, value=_short(values[0]))
        return values == ["1"]

    def _read_zone(self) -> tzinfo:
        name = self.values.get("tz", [""])[-1]
        if not name:
            return self.zone
        if name in known_zones():
            return ZoneInfo(name)
        self._complain(_("“%(value)s” is no time zone. Write it like Asia/Tokyo."), value=_short(name))
        return self.zone

    def _read_days(self, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
        first, last = self._read_day("from"), self._read_day("to")
        if first and last and first > last:
            self._complain(_("From %(first)s to %(last)s runs backwards. Swap the two days."), first=first, last=last)
            return None, None
        since = None if first is None else midnight(first, zone)
        return since, None if last is None else midnight(last + timedelta(days=1), zone)

    def _read_day(self, name: str) -> date | None:
        text = self.values.get(name, [""])[-1]
        if not text:
            return None
        try:
            day = date.fromisoformat(text)
        except ValueError:
            day = date.min
        if date.min + timedelta(days=2) < day < date.max - timedelta(days=2):  # its midnight is a time in every zone
            return day
        self._complain(_("“%(value)s” is no day. Write it like 2026-11-23."), value=_short(text))
        return None

    def _complain(self, text: str, **values: object) -> None:
        self.problems.append(text % values)


def _chips(values: dict[str, list[str]]) -> Iterator[FilterChip]:
    for name, found in values.items():
        for value in found:
            left = {**values, name: [other for other in found if other != value]}
            yield FilterChip(name, value, _write(left))


def _write(values: dict[str, list[str]]) -> str:
    query = QueryDict(mutable=True)
    for name in NAMES:
        query.setlist(name, values.get(name, []))
    return query.urlencode()


def _short(value: str) -> str:
    return value if len(value) <= 40 else value[:39] + "…"
