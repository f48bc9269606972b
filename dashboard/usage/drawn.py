"""The figures drawn as HTML, once for everybody who looks at the same ones."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils.translation import get_language

from chatlog.domain.models import Session
from chatlog.services.costs import MonthCosts
from chatlog.services.usage import UsageReport
from dashboard.usage.page import describe_newest, describe_report, list_busiest
from dashboard.usage.period import Period

TEMPLATE = "dashboard/partials/usage/report.html"
# Each about 150 kB; who watches asks again for the same days.
_MOST = 32
_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)

_drawn: OrderedDict[tuple[str, str | None], tuple[Any, str]] = OrderedDict()


def draw_report(period: Period, report: UsageReport, costs: MonthCosts | None, newest: Session | None) -> str:
    """What stands on the page below the choice of days. `newest` is a session to lead to, if nothing is in these days."""
    # How long a session has been silent is told, too: it changes without anything being said.
    busiest = list(list_busiest(report))
    shown = (replace(report, made_at=_ALWAYS), costs, newest, busiest)
    key = (period.query, get_language())
    known, html = _drawn.get(key, (None, ""))
    if known != shown:
        context = describe_report(period, report, costs) | {"busiest": busiest} | describe_newest(period, report, newest)
        html = render_to_string(TEMPLATE, context)
    _drawn[key] = shown, html
    _drawn.move_to_end(key)
    if len(_drawn) > _MOST:
        _drawn.popitem(last=False)
    return html
