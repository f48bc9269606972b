"""Searching what was said, and how much goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Query, Router

from chatlog.domain.clock import to_timestamp, utc_now
from chatlog.domain.query import Field, ParsedQuery, parse_query
from chatlog.services import searching
from chatlog.services.describing import describe_session
from chatlog.services.searching import FoundRemark, FoundSession
from chatlog.services.usage import AgentUsage, DayUsage, UsageReport, UsageTotals, get_usage_report
from chatlog.services.usage_range import UsageRange
from dashboard.api.answers import answer_read
from dashboard.api.filters import check_parameters, read_days, read_zone
from dashboard.api.report_schemas import Found, SearchQuery, Usage, UsageQuery
from dashboard.programs.access import READ
from dashboard.programs.problems import FieldError, Problem, wrong_field
from dashboard.search_wording import explain_problem
from dashboard.stores import get_store

router = Router(tags=["reading"])


@router.get("/search", auth=READ, response=Found, summary="Search what was said")
async def search(request: HttpRequest, query: Query[SearchQuery]) -> HttpResponseBase:
    """As in the search box: every word must occur, "quoted" text exactly. Hits come by session, at most `limit` hits."""
    check_parameters(request, SearchQuery)
    parsed = _parse(query)
    page = await searching.search(get_store(), parsed, cursor=query.cursor, limit=query.limit)
    items = [_describe_found(found) for found in page.sessions]
    return answer_read(request, {"items": items, "next_cursor": page.next_cursor})


@router.get("/usage", auth=READ, response=Usage, by_alias=True, summary="How much goes on")
async def read_usage(request: HttpRequest, query: Query[UsageQuery]) -> HttpResponseBase:
    """The last days up to today, each cut at midnight in the zone; and as many days before, to compare with."""
    check_parameters(request, UsageQuery)
    now = utc_now()
    stretch = UsageRange.last_days(query.days, zone=read_zone(query.tz), now=now)
    return answer_read(request, _describe_usage(await get_usage_report(get_store(), stretch, now=now)))


def _parse(query: SearchQuery) -> ParsedQuery:
    """The text with its own filters, and the parameters on top. Raises `Problem`."""
    zone = read_zone(query.tz)
    parsed = parse_query(query.q.strip(), zone=zone)
    if parsed.problems:
        errors = [FieldError("q", explain_problem(problem), problem.part[:80]) for problem in parsed.problems]
        raise Problem(422, f"q: {errors[0].message}", errors=errors)
    if not parsed.terms:
        raise wrong_field("q", "has no word to search for.", value=query.q[:80])
    since, until = read_days(query.from_, query.to, zone)
    values = {
        **parsed.values,
        Field.AGENT: (*parsed.values.get(Field.AGENT, ()), *query.agent),
        Field.STATUS: (*parsed.values.get(Field.STATUS, ()), *query.status),
    }
    return replace(parsed, values=values, since=since or parsed.since, until=until or parsed.until)


def _describe_found(found: FoundSession) -> dict[str, Any]:
    return {"session": describe_session(found.session), "hits": [_describe_hit(remark) for remark in found.remarks]}


def _describe_hit(remark: FoundRemark) -> dict[str, Any]:
    return {
        "sequence": remark.sequence,
        "source": remark.source,
        "timestamp": to_timestamp(remark.timestamp),
        "snippet": [{"text": text, "is_match": is_match} for text, is_match in remark.snippet.pieces],
    }


def _describe_usage(report: UsageReport) -> dict[str, Any]:
    return {
        "from": report.range.first.isoformat(),
        "to": report.range.last.isoformat(),
        "tz": str(report.range.zone),
        "running": report.running,
        "totals": _describe_totals(report.totals),
        "before": _describe_totals(report.before),
        "days": [_describe_day(day) for day in report.days],
        "hours": report.hours,
        "agents": [_describe_agent(agent) for agent in report.agents],
        "busiest": [describe_session(session) for session in report.busiest],
    }


def _describe_totals(totals: UsageTotals) -> dict[str, Any]:
    return {"sessions": totals.sessions, "messages": totals.messages, "agents": totals.agents}


def _describe_day(day: DayUsage) -> dict[str, Any]:
    return {"day": day.day.isoformat(), "messages": dict(day.messages), "sessions": dict(day.sessions)}


def _describe_agent(agent: AgentUsage) -> dict[str, Any]:
    names = ("name", "sessions", "messages", "letters", "share", "median_length", "prompt_tokens", "completion_tokens")
    return {name: getattr(agent, name) for name in names}
