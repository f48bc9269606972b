"""The usage page put together: what its templates show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from chatlog.domain.models import Session
from chatlog.services.costs import MonthCosts
from chatlog.services.usage import UsageReport
from dashboard import fragments
from dashboard.usage.agents import choose_speakers, list_agents
from dashboard.usage.charts import Chart, draw
from dashboard.usage.dates import say_day, say_days, say_span
from dashboard.usage.headline import list_figures
from dashboard.usage.heat import draw_hours
from dashboard.usage.links import SessionLinks
from dashboard.usage.meanings import Meaning, RemarksOfAgents, SessionsByOutcome
from dashboard.usage.money import describe_costs
from dashboard.usage.period import CHOICES, EARLIEST, LATEST, Period
from dashboard.usage.series import Series, messages_by_agent, sessions_by_outcome
from dashboard.usage.spans import Span, Step
from dashboard.usage.tables import Table, list_hours, list_series

# More are folded away: the page is to be read in half a minute.
MOST_ROWS = 15

_TITLES = {
    ("messages", Step.DAY): _("Remarks per day"),
    ("messages", Step.WEEK): _("Remarks per week"),
    ("messages", Step.MONTH): _("Remarks per month"),
    ("sessions", Step.DAY): _("Sessions per day"),
    ("sessions", Step.WEEK): _("Sessions per week"),
    ("sessions", Step.MONTH): _("Sessions per month"),
}


@dataclass(frozen=True, slots=True)
class BarCard:
    """A chart with its table; `name` is that of its CSV file."""

    name: str
    title: str
    chart: Chart
    table: Table


def describe_period(period: Period) -> dict[str, Any]:
    """What `dashboard/usage.html` shows around the figures."""
    return {
        "period": period,
        "choices": [
            {
                "words": ngettext("%(count)s day", "%(count)s days", days) % {"count": days},
                "query": period.query_for(days),
                "is_chosen": period.days == days and not period.problems,
            }
            for days in CHOICES
        ],
        "first": period.form_days[0].isoformat(),
        "last": period.form_days[1].isoformat(),
        "earliest": EARLIEST.isoformat(),
        "latest": LATEST.isoformat(),
        "figures_address": f"{reverse('usage-figures')}?{period.query}",
    }


def describe_report(period: Period, report: UsageReport, costs: MonthCosts | None) -> dict[str, Any]:
    """What `partials/usage/report.html` shows."""
    links = SessionLinks(period.zone)
    whole = Span(report.range.first, report.range.last)
    messages = messages_by_agent(report)
    speakers = choose_speakers(report.agents, first=[name for name in messages.kinds if name is not None])
    agents = list(list_agents(report.agents, speakers, links, whole))
    days = [say_span(row.span, messages.step) for row in messages.rows]
    by_agent = RemarksOfAgents(messages.kinds, speakers, links, whole)
    return {
        "days": say_days(whole.first, whole.last),
        "period": period,
        "is_nothing": is_nothing(report),
        "figures": list(list_figures(report, links, whole)),
        "messages": _make_card("messages", messages, by_agent, days),
        "sessions": _make_card("sessions", sessions_by_outcome(report), SessionsByOutcome(links, whole), days),
        "hours": draw_hours(report.hours),
        "hours_table": list_hours(report.hours),
        "agents": agents[:MOST_ROWS],
        "more_agents": agents[MOST_ROWS:],
        "has_tokens": any(agent.prompt_tokens is not None or agent.completion_tokens is not None for agent in report.agents),
        "costs": costs and describe_costs(costs),
    }


def _make_card(name: str, series: Series, meaning: Meaning, days: Sequence[str]) -> BarCard:
    title = str(_TITLES[name, series.step])
    return BarCard(name, title, draw(series, meaning, days), list_series(series, meaning, days))


def is_nothing(report: UsageReport) -> bool:
    """Whether nothing went on in these days."""
    return not (report.totals.sessions or report.totals.messages)


def list_busiest(report: UsageReport) -> Iterator[dict[str, Any]]:
    """The sessions with the most remarks, as they stand when the report was made."""
    for session in report.busiest:
        if session.message_count:
            yield {
                "session": session,
                "title": fragments.short_title(session),
                "state": fragments.state_context(session, report.made_at),
                "count": f"{session.message_count:,}",
                "began": _say_began(session, report),
            }


def _say_began(session: Session, report: UsageReport) -> str:
    day = session.created_at.astimezone(report.range.zone).date()
    return say_days(day, day)


def describe_newest(period: Period, report: UsageReport, newest: Session | None) -> dict[str, Any]:
    """Where there is something to see, if there is nothing in these days and something is stored at all."""
    if newest is None:
        return {"is_empty": is_nothing(report)}
    day = newest.created_at.astimezone(period.stretch.zone).date()
    return {"newest_day": say_day(day), "newest_query": f"to={day.isoformat()}&tz={period.zone}"}
