"""What is drawn once for everybody, when it is drawn anew, and what it says about costs."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.utils import translation

from chatlog.domain.ledger import RequestFigures
from chatlog.domain.price import Price
from chatlog.services.costs import MonthCosts
from chatlog.services.usage import UsageReport, get_usage_report
from dashboard.usage import drawn
from dashboard.usage.drawn import draw_report
from dashboard.usage.period import Period, read_period
from tests.chatlog.services.usage_memory import MemoryUsage
from tests.factories import make_message, make_session

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
COSTS = MonthCosts(
    month=date(2026, 11, 1),
    operations=(("query", RequestFigures(1_000, 1_500_000.4, 3, 40.0)), ("create", RequestFigures(10, 569_200, 12, 0.2))),
    days=(),
    price=Price(Decimal("38.50"), "¥"),
)


def read(**params: str) -> Period:
    return read_period(params, zone="Asia/Tokyo", now=NOW)


async def report_of(period: Period, *, remarks: int = 3, now: datetime = NOW) -> UsageReport:
    session = replace(make_session(session_id="talk", task="Talk", created_at=NOW), message_count=3, last_message_at=NOW)
    messages = [make_message(timestamp=NOW, source="ann") for _ in range(remarks)]
    return await get_usage_report(MemoryUsage([session], messages), period.stretch, now=now)


@pytest.fixture
def count_drawings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    render = drawn.render_to_string

    def count(name: str, context: dict[str, object]) -> str:
        names.append(name)
        return render(name, context)

    monkeypatch.setattr(drawn, "render_to_string", count)
    monkeypatch.setattr(drawn, "_drawn", type(drawn._drawn)())
    return names


async def test_the_same_figures_are_drawn_once(count_drawings: list[str]) -> None:
    period = read()
    first = draw_report(period, await report_of(period), None, None)
    # Somewhat later there is nothing new, but the time it was asked for.
    again = draw_report(read(), await report_of(period, now=NOW + timedelta(seconds=5)), None, None)
    assert first == again
    assert len(count_drawings) == 1


async def test_other_figures_words_days_and_costs_are_drawn_anew(count_drawings: list[str]) -> None:
    period = read()
    report = await report_of(period)
    seen = {draw_report(period, report, None, None)}
    seen.add(draw_report(period, await report_of(period, remarks=4), None, None))
    seen.add(draw_report(read(days="7"), await report_of(read(days="7")), None, None))
    seen.add(draw_report(period, report, COSTS, None))
    with translation.override("ja"):
        seen.add(draw_report(period, report, None, None))
    assert len(seen) == len(count_drawings) == 5


async def test_a_silence_grows_on_the_page_though_nothing_is_said(count_drawings: list[str]) -> None:
    period = read()
    later = await report_of(period, now=NOW + timedelta(minutes=10))
    assert "stalled 10 min" in draw_report(period, later, None, None)
    latest = await report_of(period, now=NOW + timedelta(minutes=11))
    assert "stalled 11 min" in draw_report(period, latest, None, None)


async def test_only_some_pages_are_remembered(count_drawings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "_MOST", 2)
    for days in ("1", "2", "3", "1"):
        draw_report(read(days=days), await report_of(read(days=days)), None, None)
    assert len(count_drawings) == 4
    assert len(drawn._drawn) == 2


async def test_the_month_is_told_in_request_units_and_in_money_with_where_its_price_is_from() -> None:
    period = read()
    html = draw_report(period, await report_of(period), COSTS, None)
    text = re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", html)))
    assert "2,069,200 request units so far, about ¥80: at ¥38.50 a million, as CHATLOG_PRICE_PER_MILLION_RU says." in text
    rows = [re.findall(r"<t[hd][^>]*>([^<]*)<", row) for row in html.split('id="usage-costs"')[1].split("<tr>")[2:]]
    assert rows == [
        ["query", "1,500,000", "1,000", "3", "40"],
        ["create", "569,200", "10", "12", "20"],
        ["All", "2,069,200", "1,010", "15", "40"],
    ]


async def test_without_a_price_the_page_says_how_to_set_one() -> None:
    period = read()
    html = draw_report(period, await report_of(period), replace(COSTS, price=None), None)
    assert "Set <code>CHATLOG_PRICE_PER_MILLION_RU</code> to see" in html
    assert "¥" not in html


async def test_a_store_that_charges_nothing_has_no_costs_to_show() -> None:
    period = read()
    assert "equest units" not in draw_report(period, await report_of(period), None, None)
