from __future__ import annotations

from chatlog.services.pausing import RETRY_SECONDS, pause_after


def test_pauses_double_up_to_the_longest_and_are_spread() -> None:
    shortest, longest = RETRY_SECONDS
    for failures, most in ((1, shortest), (2, 2 * shortest), (3, 4 * shortest), (9, longest)):
        pauses = [pause_after(failures) for _ in range(200)]
        assert most / 2 <= min(pauses) < max(pauses) <= most


def test_a_store_that_is_away_for_days_is_still_tried_again() -> None:
    assert pause_after(1_000_000) <= RETRY_SECONDS[1]
