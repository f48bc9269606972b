"""The figures on top of the page: what a team lead reads first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from chatlog.domain import limits
from chatlog.domain.models import SessionStatus
from chatlog.services.usage import UsageReport, UsageTotals
from dashboard.usage.links import SessionLinks, running_link
from dashboard.usage.spans import Span
from dashboard.usage.wording import Change, say_change, say_sessions, say_share


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its name and what there is to say about it; `address` leads to the sessions behind it."""

    key: str
    name: str
    value: str
    note: Change
    address: str = ""


def list_figures(report: UsageReport, links: SessionLinks, whole: Span) -> Iterator[Figure]:
    """Sessions, remarks, remarks per session, failures, and what runs now."""
    now, days = report.totals, len(report.days)

    def compare(figure: str) -> Change:
        return say_change(getattr(now, figure), getattr(report.before, figure), days=days)

    yield Figure("sessions", _("Sessions"), f"{now.sessions:,}", compare("sessions"), links.began(whole))
    yield Figure("messages", _("Remarks"), f"{now.messages:,}", compare("messages"), links.went_on(whole))
    yield Figure("per-session", _("Remarks per session"), _say_ratio(now), compare("messages_per_session"))
    failed = sum(day.sessions[SessionStatus.FAILED] for day in report.days)
    yield Figure("failed", _("Failed"), f"{failed:,}", _share_of(failed, now), links.began(whole, status=SessionStatus.FAILED))
    yield Figure(
        "running", _("Running now"), _say_running(report.running), Change("", _("whenever they began")), running_link()
    )


def _say_ratio(totals: UsageTotals) -> str:
    ratio = totals.messages_per_session
    return "–" if ratio is None else f"{ratio:,.1f}"


def _share_of(failed: int, totals: UsageTotals) -> Change:
    if not totals.sessions:
        return Change("", _("n/a: no session began"))
    share, sessions = say_share(failed, totals.sessions), say_sessions(totals.sessions)
    return Change("", _("%(share)s of %(sessions)s") % {"share": share, "sessions": sessions})


def _say_running(count: int) -> str:
    # A store that does not count has stopped there.
    return _("%(count)s or more") % {"count": f"{count:,}"} if count == limits.MAX_LIST_LIMIT else f"{count:,}"
