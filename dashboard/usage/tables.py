"""What stands below a chart when somebody opens it: its figures, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _

from dashboard.usage.meanings import Meaning
from dashboard.usage.series import Series


@dataclass(frozen=True, slots=True)
class TableRow:
    """Figures as they are written; `address` leads to the sessions behind them, if there are any."""

    name: str
    figures: tuple[str, ...]
    address: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """`heads` are the names of all columns, `total` is the last row."""

    heads: tuple[str, ...]
    rows: tuple[TableRow, ...]
    total: tuple[str, ...]


def list_series(series: Series, meaning: Meaning, names: Sequence[str]) -> Table:
    """The figures of a chart, whose bars have these names: first the whole bar, then its parts."""
    return Table(
        heads=(_("Days"), _("All"), *(kind.name for kind in meaning.kinds)),
        rows=tuple(_list_rows(series, meaning, names)),
        total=_write([sum(series.totals), *series.totals]),
    )


def list_hours(hours: Sequence[Sequence[int]]) -> Table:
    """The figures of a week's hours."""
    return Table(
        heads=(_("Weekday"), *(str(hour) for hour in range(24))),
        rows=tuple(TableRow(str(WEEKDAYS[day]), _write(counts)) for day, counts in enumerate(hours)),
        total=_write([sum(day[hour] for day in hours) for hour in range(24)]),
    )


def _list_rows(series: Series, meaning: Meaning, names: Sequence[str]) -> Iterator[TableRow]:
    for row, name in zip(series.rows, names, strict=True):
        address = meaning.link(row.span) if row.total else ""
        yield TableRow(name, _write([row.total, *row.counts]), address)


def _write(counts: Sequence[int]) -> tuple[str, ...]:
    return tuple(f"{count:,}" for count in counts)
