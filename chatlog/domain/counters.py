"""What this process has counted since it began: plain numbers, for whoever watches over it. From any thread."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

from chatlog.domain.ledger import RequestFigures

# Seconds. A save takes one commit or one request; what takes longer than the last waits for something.
SAVE_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(slots=True)
class Histogram:
    """How many values were at most as large as each bound, and larger than the one before; the last count is for the rest."""

    bounds: tuple[float, ...]
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def note(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def copy(self) -> Histogram:
        """The same, as it is now."""
        copied = Histogram(self.bounds)
        copied.counts, copied.total = list(self.counts), self.total
        return copied


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted up to a moment.

    Attributes:
        messages_saved: acknowledged by the store, repeated ones included.
        save_seconds: how long calls to save took that succeeded.
        save_failures: calls to save that failed, by the name of the error.
        store_errors: reads that failed, by the name of the error: pages that could not be answered, looks of live pages.
        signals_lost: hints to other processes that did not go out.
        signals_healed: times that a live page found news by looking, which nobody had told it of.
        requests: what was sent to a store that charges, by its kind.
    """

    messages_saved: int
    save_seconds: Histogram
    save_failures: dict[str, int]
    store_errors: dict[str, int]
    signals_lost: int
    signals_healed: int
    requests: dict[str, RequestFigures]


class Counters:
    """Counts. Each method takes well under a microsecond or two, and never fails."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._messages_saved = 0
        self._save_seconds = Histogram(SAVE_BOUNDS)
        self._save_failures: Counter[str] = Counter()
        self._store_errors: Counter[str] = Counter()
        self._signals_lost = 0
        self._signals_healed = 0
        self._requests: dict[str, RequestFigures] = {}

    def note_save(self, *, messages: int, seconds: float) -> None:
        """A call to save succeeded."""
        with self._lock:
            self._messages_saved += messages
            self._save_seconds.note(seconds)

    def note_save_failure(self, error: BaseException) -> None:
        """A call to save failed."""
        with self._lock:
            self._save_failures[type(error).__name__] += 1

    def note_store_error(self, error: BaseException) -> None:
        """Something could not be read."""
        with self._lock:
            self._store_errors[type(error).__name__] += 1

    def note_signal_lost(self) -> None:
        """A hint did not go out."""
        with self._lock:
            self._signals_lost += 1

    def note_signal_healed(self) -> None:
        """News were found that nobody had told of."""
        with self._lock:
            self._signals_healed += 1

    def note_request(self, operation: str, figures: RequestFigures) -> None:
        """A store that charges has answered."""
        with self._lock:
            self._requests[operation] = self._requests.get(operation, RequestFigures()) + figures

    def read(self) -> Counts:
        """Everything as it is now."""
        with self._lock:
            return Counts(
                messages_saved=self._messages_saved,
                save_seconds=self._save_seconds.copy(),
                save_failures=dict(self._save_failures),
                store_errors=dict(self._store_errors),
                signals_lost=self._signals_lost,
                signals_healed=self._signals_healed,
                requests=dict(self._requests),
            )


counters = Counters()
