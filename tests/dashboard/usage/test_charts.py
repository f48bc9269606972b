"""Bars and squares: as high, as dark and as many as the figures say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from chatlog.domain.models import SessionStatus
from chatlog.services.usage import UsageReport, get_usage_report
from chatlog.services.usage_range import UsageRange
from dashboard.usage.agents import choose_speakers
from dashboard.usage.charts import Chart, choose_labels, draw
from dashboard.usage.dates import say_span
from dashboard.usage.heat import draw_hours, level_of
from dashboard.usage.links import SessionLinks
from dashboard.usage.meanings import RemarksOfAgents, SessionsByOutcome
from dashboard.usage.series import MOST_AGENTS, Series, messages_by_agent, sessions_by_outcome
from dashboard.usage.spans import Span, Step, choose_step, cut
from dashboard.usage.tables import list_series
from tests.chatlog.services.usage_memory import MemoryUsage
from tests.factories import make_message, make_session

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LINKS = SessionLinks("Asia/Tokyo")
WHOLE = Span(date(2026, 11, 19), date(2026, 11, 25))


async def make_report(*, agents: int = 3, days: int = 7) -> UsageReport:
    """Agent n says n + 1 remarks an hour apart on each of the last seven days, in sessions of every outcome."""
    sessions, messages = [], []
    for day in range(7):
        noon = NOW - timedelta(days=day)
        for number, status in enumerate([*SessionStatus, SessionStatus.COMPLETED]):
            if number <= day:
                sessions.append(replace(make_session(created_at=noon), status=status))
        for agent in range(agents):
            moments = [noon - timedelta(minutes=number) for number in range(agent + 1)]
            messages += [make_message(source=f"agent_{agent:02}", timestamp=moment) for moment in moments]
    stretch = UsageRange.last_days(days, zone=ZoneInfo("Asia/Tokyo"), now=NOW)
    return await get_usage_report(MemoryUsage(sessions, messages), stretch, now=NOW)


def draw_messages(report: UsageReport) -> tuple[Series, Chart]:
    series = messages_by_agent(report)
    speakers = choose_speakers(report.agents, first=[name for name in series.kinds if name])
    return series, draw(series, RemarksOfAgents(series.kinds, speakers, LINKS, WHOLE), names_of(series))


def names_of(series: Series) -> list[str]:
    return [say_span(row.span, series.step) for row in series.rows]


def number(text: str) -> float:
    return float(text.removesuffix("%"))


@pytest.mark.parametrize("days", [7, 30, 200, 1_000])
async def test_each_bar_is_as_high_as_its_figure_and_its_parts_stand_on_each_other(days: int) -> None:
    report = await make_report(agents=12, days=days)
    series, chart = draw_messages(report)
    top = int(chart.ticks[-1].words.replace(",", ""))
    assert sum(series.totals) == report.totals.messages
    for row, bar in zip(series.rows, chart.bars, strict=True):
        assert sum(number(part.height) for part in bar.parts) == pytest.approx(100 * row.total / top, abs=0.02)
        bottom = 100.0
        for part in bar.parts:
            assert number(part.y) + number(part.height) == pytest.approx(bottom, abs=0.002)
            bottom = number(part.y)
        assert bool(bar.address) is bool(row.total)


async def test_sessions_are_counted_by_their_outcome_what_failed_at_the_bottom() -> None:
    report = await make_report()
    series = sessions_by_outcome(report)
    chart = draw(series, SessionsByOutcome(LINKS, WHOLE), names_of(series))
    assert sum(series.totals) == report.totals.sessions
    assert [kind.name for kind in chart.kinds] == ["failed", "cancelled", "completed", "running or stalled"]
    oldest = chart.bars[0]
    assert [part.fill for part in oldest.parts] == ["of-failed", "of-cancelled", "of-completed", "of-active"]
    assert oldest.parts[2].words == "completed, Thu, 19 Nov 2026: 2 sessions"
    assert oldest.words == "Thu, 19 Nov 2026: 5 sessions"


async def test_a_part_leads_to_its_sessions() -> None:
    series = sessions_by_outcome(await make_report())
    [*_, today] = draw(series, SessionsByOutcome(LINKS, WHOLE), names_of(series)).bars
    days = "from=2026-11-25&to=2026-11-25&began=1&tz=Asia%2FTokyo"
    assert today.address == f"/?{days}"
    assert [part.address for part in today.parts] == [f"/?status=running&status=stalled&{days}"]
    _, chart = draw_messages(await make_report())
    assert chart.bars[-1].parts[0].address == "/?agent=agent_02&from=2026-11-25&to=2026-11-25&tz=Asia%2FTokyo"


async def test_a_bar_of_many_days_leads_to_all_of_them() -> None:
    _, chart = draw_messages(await make_report(days=200))
    assert chart.bars[-1].address == "/?from=2026-11-23&to=2026-11-25&tz=Asia%2FTokyo"
    assert chart.bars[-1].words == "23 Nov – 25 Nov 2026: 18 remarks"
    _, chart = draw_messages(await make_report(days=1_000))
    assert chart.bars[-2].words == "Oct 2026: 0 remarks"


async def test_those_who_say_less_are_put_together() -> None:
    series, chart = draw_messages(await make_report(agents=MOST_AGENTS + 2))
    assert series.kinds == (*(f"agent_{agent:02}" for agent in range(9, 1, -1)), None)
    assert chart.kinds[-1].name == "all others"
    assert series.rows[0].counts == (10, 9, 8, 7, 6, 5, 4, 3, 3)


async def test_one_more_than_there_is_room_for_is_no_group() -> None:
    series, _ = draw_messages(await make_report(agents=MOST_AGENTS + 1))
    assert None not in series.kinds
    assert len(series.kinds) == MOST_AGENTS + 1


async def test_everybody_in_a_chart_has_a_colour_of_their_own_and_keeps_it() -> None:
    report = await make_report(agents=40)
    _, chart = draw_messages(report)
    assert len({kind.css for kind in chart.kinds}) == MOST_AGENTS + 1
    turned = replace(report, agents=(*reversed(report.agents[:MOST_AGENTS]), *report.agents[MOST_AGENTS:]))
    _, other = draw_messages(turned)
    assert {kind.name: kind.css for kind in other.kinds} == {kind.name: kind.css for kind in chart.kinds}


async def test_the_table_has_the_figures_of_the_chart() -> None:
    report = await make_report()
    series, chart = draw_messages(report)
    meaning = RemarksOfAgents(series.kinds, choose_speakers(report.agents, first=[]), LINKS, WHOLE)
    table = list_series(series, meaning, names_of(series))
    assert table.heads == ("Days", "All", "agent_02", "agent_01", "agent_00")
    assert table.rows[0].figures == ("6", "3", "2", "1")
    assert table.total == ("42", "21", "14", "7")
    assert [row.address for row in table.rows] == [bar.address for bar in chart.bars]


@pytest.mark.parametrize("count", [1, 7, 8, 30, 45, 46, 120, 121, 365, 840, 841, 3_658])
def test_some_dates_stand_below_a_chart_and_never_many(count: int) -> None:
    days = [date(2026, 11, 25) - timedelta(days=number) for number in reversed(range(count))]
    step = choose_step(count)
    spans = list(cut(days, step))
    labels = choose_labels(spans, step)
    assert 1 <= len(labels) <= 7
    assert labels == sorted(set(labels))


def test_below_a_month_stand_its_mondays() -> None:
    spans = list(cut([date(2026, 11, 25) - timedelta(days=number) for number in reversed(range(30))], Step.DAY))
    assert [spans[place].first.day for place in choose_labels(spans, Step.DAY)] == [2, 9, 16, 23]


def test_squares_are_the_darker_the_more_was_said() -> None:
    hours = [[0] * 24 for _ in range(7)]
    hours[0][9], hours[6][23], hours[2][12] = 100, 1, 41
    heat = draw_hours(hours)
    levels = {square.words: square.level for square in heat.squares if square.level}
    assert levels == {
        "Monday, 9:00–10:00: 100 remarks": 5,
        "Wednesday, 12:00–13:00: 41 remarks": 3,
        "Sunday, 23:00–24:00: 1 remark": 1,
    }
    assert len(heat.squares) == 168
    assert [level.words for level in heat.levels] == ["1–20", "21–40", "41–60", "61–80", "81–100"]
    assert heat.summary == "The busiest hour: Monday, 9:00–10:00: 100 remarks"


@pytest.mark.parametrize("highest", [1, 2, 3, 4, 5, 6, 99])
def test_the_legend_of_the_squares_tells_what_they_show(highest: int) -> None:
    heat = draw_hours([[highest] + [0] * 23] + [[0] * 24] * 6)
    told = {}
    for level in heat.levels:
        least, _, most = level.words.partition("–")
        told |= dict.fromkeys(range(int(least), int(most or least) + 1), int(level.place))
    assert told == {count: level_of(count, highest) for count in range(1, highest + 1)}


def test_silence_is_told_as_such() -> None:
    heat = draw_hours([[0] * 24] * 7)
    assert heat.summary == "No remarks."
    assert heat.levels == ()
