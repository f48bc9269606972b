"""Throughput is decided from what went on, and never swings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chatlog.domain.throughput import Decision, Load, Memory, Offer, OfferKind, decide

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MANUAL = Offer(OfferKind.MANUAL, 1000)
SHORT = Load(600, requests=1000, refused=50, units=300_000)
VERY_SHORT = Load(600, requests=1000, refused=100, units=300_000)
IDLE = Load(600)
LONG_QUIET = Memory(quiet_since=NOW - timedelta(hours=2), quiet_peak=10.0)


def decision(
    offer: Offer, load: Load | None, *, running: int = 0, memory: Memory | None = None, maximum: int = 10_000
) -> Decision:
    return decide(offer, load, running=running, memory=memory or Memory(), maximum=maximum, now=NOW)[0]


@pytest.mark.parametrize(("kind", "word"), [(OfferKind.SERVERLESS, "serverless"), (OfferKind.NONE, "Neither")])
def test_where_there_is_nothing_to_set_nothing_is_done(kind: OfferKind, word: str) -> None:
    for load in (SHORT, IDLE, None):
        found = decision(Offer(kind), load, memory=LONG_QUIET)
        assert (found.target, word in found.reason) == (None, True)


def test_the_first_look_changes_nothing() -> None:
    assert decision(MANUAL, None, running=9, memory=LONG_QUIET).target is None


@pytest.mark.parametrize(
    ("offer", "load", "target"),
    [
        (MANUAL, SHORT, 1500),
        (MANUAL, VERY_SHORT, 2000),
        (MANUAL, Load(600, requests=1000, refused=300, units=600_000), 4000),
        (Offer(OfferKind.MANUAL, 400), SHORT, 1000),  # what is used already would fill half of that
        (Offer(OfferKind.MANUAL, 700), Load(600, 1000, 50, 60_000), 1100),
        (Offer(OfferKind.AUTOSCALE, 1000), SHORT, 2000),
        (Offer(OfferKind.AUTOSCALE, 3000), SHORT, 5000),
        (Offer(OfferKind.MANUAL, 1000, is_shared=True), SHORT, 1500),
        (Offer(OfferKind.MANUAL, 9900), VERY_SHORT, 10_000),
    ],
)
def test_refused_requests_raise_it_in_steps(offer: Offer, load: Load, target: int) -> None:
    found = decision(offer, load)
    assert found.target == target
    assert "refused for want of throughput" in found.reason


@pytest.mark.parametrize("load", [Load(600, 1000, 9, 6000), Load(600, 100, 4, 6000)])
def test_a_few_refused_requests_raise_nothing(load: Load) -> None:
    assert decision(MANUAL, load).target is None


def test_running_sessions_that_use_most_of_it_raise_it_before_anything_is_refused() -> None:
    load = Load(600, requests=10_000, units=600 * 800.0)
    assert decision(MANUAL, load, running=3).target == 1600
    assert decision(MANUAL, load, running=0).target is None


@pytest.mark.parametrize(("maximum", "kind"), [(1000, "manual"), (400, "manual"), (1099, "manual"), (1999, "autoscale")])
def test_it_never_goes_beyond_what_somebody_is_ready_to_pay_for(maximum: int, kind: str) -> None:
    found = decision(Offer(OfferKind(kind), 1000), VERY_SHORT, maximum=maximum)
    assert found.target is None
    assert f"CHATLOG_MAX_THROUGHPUT={maximum}" in found.reason


def test_what_was_set_above_the_maximum_by_hand_stays_while_it_is_used() -> None:
    offer = Offer(OfferKind.MANUAL, 5000)
    assert decision(offer, SHORT, maximum=1000).target is None
    assert decision(offer, IDLE, memory=LONG_QUIET, maximum=1000).target == 400


def test_at_most_one_change_in_ten_minutes() -> None:
    for seconds, target in ((0, None), (599, None), (600, 1500)):
        memory = Memory(changed_at=NOW - timedelta(seconds=seconds))
        assert decision(MANUAL, SHORT, memory=memory).target == target
    ahead = Memory(changed_at=NOW + timedelta(minutes=3))  # another machine's clock
    assert decision(MANUAL, SHORT, memory=ahead).target is None


@pytest.mark.parametrize(
    ("offer", "running", "memory", "target"),
    [
        (MANUAL, 0, LONG_QUIET, 400),
        (MANUAL, 1, LONG_QUIET, 500),
        (MANUAL, 1, Memory(quiet_since=NOW - timedelta(minutes=119)), None),
        (MANUAL, 0, Memory(quiet_since=NOW - timedelta(hours=2), quiet_peak=301.0), 700),
        (MANUAL, 0, Memory(quiet_since=NOW - timedelta(hours=2), quiet_peak=349.0), 700),
        (MANUAL, 0, Memory(quiet_since=NOW - timedelta(minutes=59)), None),
        (MANUAL, 0, Memory(quiet_since=NOW - timedelta(hours=2), patience=timedelta(hours=4)), None),
        (MANUAL, 0, Memory(quiet_since=NOW - timedelta(hours=2), floor=700), 700),
        (MANUAL, 0, Memory(quiet_since=NOW - timedelta(hours=2), floor=900), None),
        (Offer(OfferKind.MANUAL, 400), 0, LONG_QUIET, None),
        (Offer(OfferKind.AUTOSCALE, 1000), 0, LONG_QUIET, None),
        (Offer(OfferKind.AUTOSCALE, 4000), 0, LONG_QUIET, 1000),
        (Offer(OfferKind.AUTOSCALE, 4000), 1, LONG_QUIET, 2000),
        (Offer(OfferKind.MANUAL, 1000, is_shared=True), 0, LONG_QUIET, None),
    ],
)
def test_a_long_quiet_lowers_it_but_not_below_what_is_needed(
    offer: Offer, running: int, memory: Memory, target: int | None
) -> None:
    assert decision(offer, IDLE, running=running, memory=memory).target == target


def test_a_refused_request_or_real_use_ends_the_quiet() -> None:
    for load in (Load(600, requests=100, refused=1), Load(600, requests=1000, units=600 * 400.0)):
        _, memory = decide(MANUAL, load, running=0, memory=LONG_QUIET, maximum=1000, now=NOW)
        assert memory.quiet_since is None


def test_going_up_again_soon_after_going_down_leads_back_and_doubles_the_patience_for_a_day() -> None:
    memory = Memory(changed_at=NOW - timedelta(hours=5), fell_from=4000)
    found, memory = decide(MANUAL, SHORT, running=0, memory=memory, maximum=9000, now=NOW)
    assert found.target == 4000  # back to what was right, at once
    assert memory.patience == timedelta(hours=2)
    later = NOW + timedelta(hours=24)
    quiet = Memory(quiet_since=later - timedelta(minutes=70), patience=memory.patience, regretted_at=NOW)
    assert decide(MANUAL, IDLE, running=0, memory=quiet, maximum=9000, now=later - timedelta(seconds=1))[0].target is None
    assert decide(MANUAL, IDLE, running=0, memory=quiet, maximum=9000, now=later)[0].target == 400


@pytest.mark.parametrize("load", [Load(0), Load(600, units=1e300, requests=10**18, refused=10**18), Load(1e-9, 1, 1, 1.0)])
def test_figures_beyond_all_bounds_stay_within_the_bounds(load: Load) -> None:
    found = decision(MANUAL, load, running=10**9, maximum=10**12)
    assert found.target is None or 400 <= found.target <= 1_000_000
