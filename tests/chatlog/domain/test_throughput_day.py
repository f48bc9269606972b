"""A day with a service that refuses what is too much: whatever comes, few changes, far between, and little refused."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatlog.domain.throughput import Load, Memory, Offer, OfferKind, decide

MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)
MINUTES = 24 * 60
EVERY = 10
MAXIMUM = 10_000
UNITS_OF_A_REQUEST = 6.0

# RU/s wanted in a minute of the day.
Demand = Callable[[int], float]


@dataclass
class Day:
    offer: Offer
    changes: list[tuple[int, int, int]] = field(default_factory=list)  # minute, from, to
    requests: int = 0
    refused: int = 0

    @property
    def refused_share(self) -> float:
        return self.refused / max(1, self.requests)

    @property
    def turns(self) -> list[tuple[int, bool]]:
        """How many minutes before each change of direction the last change was, and whether it now goes up."""
        ways = [(minute, to > before) for minute, before, to in self.changes]
        return [(late - early, up) for (early, was_up), (late, up) in itertools.pairwise(ways) if up != was_up]


def live_through(demand: Demand, *, offer: Offer | None = None, days: int = 1, seed: int = 1) -> Day:
    day = Day(offer or Offer(OfferKind.MANUAL, 400))
    memory, chance = Memory(), random.Random(seed)
    requests = refused = 0
    units = waiting = 0.0
    for minute in range(days * MINUTES):
        # In a minute not every second is alike.
        wanted = demand(minute % MINUTES) * 60 * chance.uniform(0.8, 1.2) + waiting
        served = min(wanted, day.offer.throughput * 60.0)
        waiting = wanted - served
        requests += int(wanted / UNITS_OF_A_REQUEST)
        refused += int(waiting / UNITS_OF_A_REQUEST)
        units += served
        waiting = min(waiting, day.offer.throughput * 60.0)  # after some seconds a save gives up
        if (minute + 1) % EVERY == 0:
            load = Load(EVERY * 60.0, requests, refused, units)
            now = MIDNIGHT + timedelta(minutes=minute + 1)
            running = int(demand(minute % MINUTES) > 20)
            found, memory = decide(day.offer, load, running=running, memory=memory, maximum=MAXIMUM, now=now)
            if found.target is not None:
                day.changes.append((minute + 1, day.offer.throughput, found.target))
                day.offer = Offer(day.offer.kind, found.target, day.offer.is_shared)
            day.requests, day.refused = day.requests + requests, day.refused + refused
            requests = refused = 0
            units = 0.0
    return day


def check_calm(day: Day) -> None:
    """What holds whatever the load."""
    step = day.offer.step
    for _, before, to in day.changes:
        assert to % step == 0
        assert max(400, step) <= to <= MAXIMUM
        assert before != to
    assert all(late - early >= 10 for (early, *_), (late, *_) in itertools.pairwise(day.changes))
    assert all(minutes >= 60 for minutes, up in day.turns if not up)


def office(minute: int) -> float:
    hour = minute / 60
    if not 8 <= hour < 19:
        return 5
    return 100 + 1400 * math.sin((hour - 8) / 11 * math.pi) * (0.6 if 12 <= hour < 13 else 1)


def bursts(minute: int) -> float:
    return 3000 if minute % 90 < 7 else 60


def night(minute: int) -> float:
    return 2


def steady(minute: int) -> float:
    return 1500


def sudden(minute: int) -> float:
    return 4000 if 600 <= minute < 720 else 10


def flapping(period: int) -> Demand:
    return lambda minute: 2000 if minute // period % 2 else 5


@pytest.mark.parametrize(
    ("demand", "most_changes", "most_turns", "most_refused"),
    [
        (office, 10, 1, 0.001),
        (bursts, 8, 3, 0.20),
        (night, 0, 0, 0.0),
        (steady, 3, 0, 0.02),
        (sudden, 5, 1, 0.20),
        (flapping(10), 4, 1, 0.05),
        (flapping(15), 4, 1, 0.05),
        (flapping(30), 4, 1, 0.05),
        (flapping(60), 8, 3, 0.05),
        (flapping(120), 10, 5, 0.08),
        (flapping(180), 10, 5, 0.08),
    ],
    ids=["office", "bursts", "night", "steady", "sudden", *(f"flapping-{n}" for n in (10, 15, 30, 60, 120, 180))],
)
def test_a_day_needs_few_changes_and_refuses_little(
    demand: Demand, most_changes: int, most_turns: int, most_refused: float
) -> None:
    day = live_through(demand)
    check_calm(day)
    print(f"{len(day.changes)} changes, {len(day.turns)} turns, {day.refused_share:.2%} refused: {day.changes}")
    assert len(day.changes) <= most_changes
    assert len(day.turns) <= most_turns
    assert day.refused_share <= most_refused


def test_a_load_that_comes_and_goes_finds_its_throughput_and_keeps_it() -> None:
    for period in (10, 30, 60, 120):
        second_day = [change for change in live_through(flapping(period), days=2).changes if change[0] > MINUTES]
        assert len(second_day) <= 4


@pytest.mark.parametrize("kind", [OfferKind.MANUAL, OfferKind.AUTOSCALE])
@given(levels=st.lists(st.floats(0, 20_000), min_size=1, max_size=96), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_whatever_the_load_it_does_not_swing(kind: OfferKind, levels: list[float], seed: int) -> None:
    def demand(minute: int) -> float:
        return levels[minute * len(levels) // MINUTES]

    day = live_through(demand, offer=Offer(kind, 1000), seed=seed)
    check_calm(day)
    assert len(day.turns) <= 8
    assert len(day.changes) <= 24


def test_an_offer_shared_with_others_only_ever_rises() -> None:
    day = live_through(flapping(180), offer=Offer(OfferKind.MANUAL, 400, is_shared=True), days=2)
    assert day.changes
    assert all(to > before for _, before, to in day.changes)
