"""The figures as tables: what stands below each chart, and as a file for spreadsheets the same rows with plain numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chatlog.services.formats.plain import title_of
from chatlog.services.formats.spreadsheet import BYTE_ORDER_MARK, write_rows
from chatlog.services.usage import UsageReport
from dashboard.usage.series import Series, messages_by_agent, sessions_by_outcome

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_AGENT = ("agent", "sessions", "messages", "letters", "share", "median_length", "prompt_tokens", "completion_tokens")

Cells = Sequence[object]


def make_csv(name: str, report: UsageReport) -> str:
    """The file of that name, with the names of the columns first. Raises `KeyError` if there is none of that name."""
    return BYTE_ORDER_MARK + write_rows(list(_SHEETS[name](report)))


def names() -> Sequence[str]:
    """Which files there are."""
    return tuple(_SHEETS)


def _messages(report: UsageReport) -> Iterable[Cells]:
    return _list_series(messages_by_agent(report))


def _sessions(report: UsageReport) -> Iterable[Cells]:
    return _list_series(sessions_by_outcome(report))


def _list_series(series: Series) -> Iterable[Cells]:
    yield ("from", "to", "all", *("others" if kind is None else kind for kind in series.kinds))
    for row in series.rows:
        yield (row.span.first.isoformat(), row.span.last.isoformat(), row.total, *row.counts)


def _hours(report: UsageReport) -> Iterable[Cells]:
    yield ("weekday", *(f"{hour}:00" for hour in range(24)))
    for name, counts in zip(_WEEKDAYS, report.hours, strict=True):
        yield (name, *counts)


def _agents(report: UsageReport) -> Iterable[Cells]:
    yield _AGENT
    for one in report.agents:
        share = None if one.share is None else round(one.share, 6)
        figures = (one.sessions, one.messages, one.letters, share, one.median_length)
        yield (one.name, *figures, one.prompt_tokens, one.completion_tokens)


def _busiest(report: UsageReport) -> Iterable[Cells]:
    yield ("session_id", "title", "status", "began", "messages")
    for one in report.busiest:
        began = one.created_at.astimezone(report.range.zone).isoformat(timespec="seconds")
        yield (one.session_id, title_of(one), one.status.value, began, one.message_count)


_SHEETS = {"messages": _messages, "sessions": _sessions, "hours": _hours, "agents": _agents, "busiest": _busiest}
