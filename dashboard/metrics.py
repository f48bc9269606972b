"""What the process tells Prometheus. Each figure is described in docs/metrics.md."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from chatlog.domain.counters import Counts, Histogram, counters
from chatlog.storage.base import SessionStore
from chatlog.storage.waiting import WaitingRooms

_OF_REQUESTS = (
    ("chatlog_request_units", "What the store charged.", "units"),
    ("chatlog_requests", "Requests to a store that charges.", "count"),
    ("chatlog_requests_throttled", "Requests refused for want of throughput.", "throttled"),
    ("chatlog_request_seconds", "How long requests took.", "seconds"),
)


def tell(*, store: SessionStore | None, viewers: int, unacknowledged: int) -> bytes:
    """All figures in the text format of Prometheus.

    Args:
        store: whose queues are told; `None` if there is none.
        viewers: live pages that are open.
        unacknowledged: bytes sent to them that they have not acknowledged.
    """
    waiting = dict(store.count_waiting()) if isinstance(store, WaitingRooms) else {}
    waiting["unacknowledged_bytes"] = unacknowledged
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Told(counters.read(), viewers=viewers, waiting=waiting))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Told(Collector):
    def __init__(self, counts: Counts, *, viewers: int, waiting: dict[str, int]) -> None:
        self._counts = counts
        self._viewers = viewers
        self._waiting = waiting

    def collect(self) -> Iterator[Metric]:
        counts = self._counts
        yield CounterMetricFamily("chatlog_messages_saved", "Messages that were saved.", value=counts.messages_saved)
        yield _histogram("chatlog_save_seconds", "How long saving took.", counts.save_seconds)
        yield _by("chatlog_save_failures", "Saves that failed.", "error", counts.save_failures)
        yield GaugeMetricFamily("chatlog_viewers", "Live pages that are open.", value=self._viewers)
        yield CounterMetricFamily("chatlog_signals_lost", "Hints that did not go out.", value=counts.signals_lost)
        yield CounterMetricFamily("chatlog_signals_healed", "News found without a hint.", value=counts.signals_healed)
        yield _by("chatlog_store_errors", "Reads that failed.", "error", counts.store_errors)
        for name, text, attribute in _OF_REQUESTS:
            values = {operation: getattr(figures, attribute) for operation, figures in counts.requests.items()}
            yield _by(name, text, "operation", values)
        depths = GaugeMetricFamily("chatlog_waiting", "What waits in a queue.", labels=["queue"])
        for queue, depth in sorted(self._waiting.items()):
            depths.add_metric([queue], depth)
        yield depths


def _by(name: str, text: str, label: str, values: dict[str, float] | dict[str, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    bounds = [*map(str, histogram.bounds), "+Inf"]
    buckets = list(zip(bounds, accumulate(histogram.counts), strict=True))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=histogram.total)
