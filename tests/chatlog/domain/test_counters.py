from __future__ import annotations

import threading

from chatlog.domain.counters import Counters, Histogram
from chatlog.domain.ledger import RequestFigures
from chatlog.errors import StorageFull


def test_a_value_on_a_bound_belongs_to_it() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.0, 1.0, 1.5, 2.0, 2.1, 1e300):
        histogram.note(value)
    assert histogram.counts == [2, 2, 2]


def test_everything_is_counted_and_what_was_read_stays_as_it_was() -> None:
    counters = Counters()
    before = counters.read()
    counters.note_save(messages=3, seconds=0.004)
    counters.note_save_failure(StorageFull("full"))
    counters.note_store_error(TimeoutError())
    counters.note_signal_lost()
    counters.note_signal_healed()
    counters.note_request("read", RequestFigures(1, 2.5, 1, 0.5))
    counters.note_request("read", RequestFigures(1, 2.5))
    after = counters.read()
    assert (after.messages_saved, sum(after.save_seconds.counts), after.save_seconds.total) == (3, 1, 0.004)
    assert (after.save_failures, after.store_errors) == ({"StorageFull": 1}, {"TimeoutError": 1})
    assert (after.signals_lost, after.signals_healed) == (1, 1)
    assert after.requests == {"read": RequestFigures(2, 5.0, 1, 0.5)}
    assert (before.messages_saved, sum(before.save_seconds.counts), before.requests) == (0, 0, {})


def test_threads_lose_nothing() -> None:
    counters = Counters()

    def count() -> None:
        for _ in range(5_000):
            counters.note_save(messages=1, seconds=1e-9)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counters.read().messages_saved == 20_000
