"""How much goes on: the page, its figures by themselves for whoever watches, and each table as a file."""

from __future__ import annotations

import hashlib

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.utils.timezone import get_current_timezone_name
from django.views.decorators.http import require_safe

from chatlog.config import price_from_env
from chatlog.domain.clock import utc_now
from chatlog.errors import InvalidInput
from chatlog.services.costs import get_month_costs
from chatlog.services.usage import UsageReport, get_usage_report
from dashboard.export_formats import disposition
from dashboard.stores import get_store
from dashboard.usage import sheets
from dashboard.usage.drawn import draw_report
from dashboard.usage.page import describe_period, is_nothing
from dashboard.usage.period import Period, read_period


@require_safe
async def usage(request: HttpRequest) -> HttpResponse:
    period = _read_period(request)
    return render(request, "dashboard/usage.html", describe_period(period) | {"report": await _draw(period)})


@require_safe
async def usage_figures(request: HttpRequest) -> HttpResponseBase:
    """Only what changes, and only if it has."""
    html = await _draw(_read_period(request))
    etag = f'"{hashlib.sha256(html.encode()).hexdigest()[:32]}"'
    response = HttpResponse(html, headers={"ETag": etag, "Cache-Control": "private, no-cache"})
    return get_conditional_response(request, etag=etag, response=response) or response


@require_safe
async def usage_csv(request: HttpRequest, name: str) -> HttpResponse:
    if name not in sheets.names():
        raise Http404
    period = _read_period(request)
    if period.problems:
        raise InvalidInput("days", " ".join(period.problems))
    report = await _get_report(period)
    response = HttpResponse(sheets.make_csv(name, report), content_type="text/csv; charset=utf-8")
    stem = f"chatlog {name} {period.stretch.first} {period.stretch.last}"
    response["Content-Disposition"] = disposition(stem, "csv")
    response["Cache-Control"] = "private, no-store"
    return response


def _read_period(request: HttpRequest) -> Period:
    return read_period(request.GET.dict(), zone=get_current_timezone_name(), now=utc_now())


async def _get_report(period: Period) -> UsageReport:
    return await get_usage_report(get_store(), period.stretch, now=utc_now())


async def _draw(period: Period) -> str:
    store = get_store()
    report = await _get_report(period)
    costs = await get_month_costs(store, now=report.made_at, price=price_from_env())
    newest = (await store.list_sessions(limit=1)).items[:1] if is_nothing(report) else ()
    return draw_report(period, report, costs, newest[0] if newest else None)
