"""Where things stand in a chart."""

from __future__ import annotations

import pytest

from dashboard.usage.scale import MOST_TICKS, make_scale, make_slots, percent, stack


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [
        (0, (0, 1)),
        (1, (0, 1)),
        (4, (0, 1, 2, 3, 4)),
        (5, (0, 2, 4, 6)),
        (9, (0, 5, 10)),
        (1_480, (0, 500, 1_000, 1_500)),
        (18_930, (0, 5_000, 10_000, 15_000, 20_000)),
    ],
)
def test_a_scale_has_few_round_numbers_and_reaches_the_highest(highest: int, ticks: tuple[int, ...]) -> None:
    assert make_scale(highest).ticks == ticks


@pytest.mark.parametrize("highest", [2, 3, 7, 41, 99, 100, 101, 12_345, 10**15])
def test_every_scale_reaches_the_highest_without_leaving_half_the_chart_empty(highest: int) -> None:
    scale = make_scale(highest)
    assert highest <= scale.top < 2 * highest + 1
    assert len(scale.ticks) <= MOST_TICKS + 1
    assert scale.height(highest) <= 100


def test_parts_stand_on_each_other_from_the_bottom_up() -> None:
    assert stack([10, 0, 30]) == [(90, 10), (90, 0), (60, 30)]


@pytest.mark.parametrize("count", [1, 7, 30, 122])
def test_bars_share_the_width_and_do_not_touch(count: int) -> None:
    slots = make_slots(count)
    assert slots[0].left == 0
    assert slots[-1].left + slots[-1].width == pytest.approx(100)
    ends = [slot.bar_left + slot.bar_width for slot in slots]
    assert all(slot.bar_left > end for slot, end in zip(slots[1:], ends, strict=False))


def test_per_cent_are_written_as_attributes_are_in_every_language() -> None:
    assert [percent(value) for value in (0, 33.33333, 100, 1e-7)] == ["0%", "33.333%", "100%", "0%"]
