"""Faults below the SDK, and a count of what was sent."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from tests.cosmos.double.refusals import Refusal

Kind = Literal["drop_reply", "refuse", "hang", "answer", "answer_after_commit", "throttle", "garble"]


@dataclass
class Fault:
    """What happens to the next `times` requests of an operation, after `skip` of them went well.

    Attributes:
        operation: `create`, `batch`, `read`, `query`, `patch`, … or `*`.
        kind: `drop_reply` commits and cuts the connection, `refuse` cuts it before anything, `hang` never answers,
            `answer` and `answer_after_commit` send `status`, `throttle` sends 429 with `retry_after_ms`, `garble` sends the
            first half of the answer.
    """

    operation: str
    kind: Kind
    times: int = 1
    skip: int = 0
    status: int = 503
    sub_status: int | None = None
    retry_after_ms: int = 1
    began: threading.Event = field(default_factory=threading.Event)

    def takes(self, operation: str) -> bool:
        if self.operation not in ("*", operation) or self.times == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        self.began.set()
        return True

    def before(self) -> None:
        if self.kind == "answer":
            raise Refusal(self.status, "As the test asked.", sub_status=self.sub_status)
        if self.kind == "throttle":
            # https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb (429, x-ms-retry-after-ms)
            raise Refusal(429, "Request rate is large.", sub_status=3200, retry_after_ms=self.retry_after_ms)

    def after(self) -> None:
        if self.kind == "answer_after_commit":
            raise Refusal(self.status, "As the test asked.", sub_status=self.sub_status)


@dataclass
class Journal:
    """What came in: how often each operation, and each query text."""

    requests: Counter[str] = field(default_factory=Counter)
    texts: set[str] = field(default_factory=set)
    units: float = 0.0
    faults: list[Fault] = field(default_factory=list)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)

    def take_fault(self, operation: str) -> Fault | None:
        self.requests[operation] += 1
        return next((fault for fault in self.faults if fault.takes(operation)), None)
