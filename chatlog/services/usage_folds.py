"""Figures of a range, with what of them does not change from one look to the next put together only once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from chatlog.domain.usage import UsageDay
from chatlog.services.usage_folding import UsageFold
from chatlog.services.usage_range import UsageRange

# Who watches asks for the same range again; a range and the one before it are two.
_MOST = 16


class Folds:
    """Remembers the figures of all days but the newest. For any thread.

    A store that remembers a finished day gives out the same object again, and only then is it known to be the same day.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[UsageRange, tuple[Sequence[UsageDay], UsageFold]] = OrderedDict()

    def fold(self, days: Sequence[UsageDay], stretch: UsageRange) -> UsageFold:
        """The figures of a range, from all UTC days that have a part of it."""
        finished, newest = days[:-1], days[-1:]
        fold = self._find(finished, stretch)
        if fold is None:
            fold = UsageFold(stretch)
            fold.add(finished)
            self._remember(finished, stretch, fold)
        whole = fold.copy()
        whole.add(newest)
        return whole

    def _find(self, days: Sequence[UsageDay], stretch: UsageRange) -> UsageFold | None:
        with self._lock:
            known, fold = self._known.get(stretch, ((), None))
        is_same = len(known) == len(days) and all(one is other for one, other in zip(known, days, strict=True))
        return fold if is_same else None

    def _remember(self, days: Sequence[UsageDay], stretch: UsageRange, fold: UsageFold) -> None:
        with self._lock:
            self._known[stretch] = days, fold
            self._known.move_to_end(stretch)
            if len(self._known) > _MOST:
                self._known.popitem(last=False)
