"""Taking down what the service charges: hooks below the SDK see each answer, those to failed attempts included."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.transport import AsyncHttpResponse, HttpRequest

from chatlog.domain.charges import Charges, collect_charges, note_charge
from chatlog.domain.clock import utc_now
from chatlog.domain.counters import counters
from chatlog.domain.ledger import RequestFigures, Takings

logger = logging.getLogger("chatlog.charges")

LEDGER_OPERATION = "ledger"
_CHARGE = "x-ms-request-charge"
_TOO_MANY_REQUESTS = 429
_SENT_AT = "chatlog_sent_at"
# Which header tells what a POST means. Source: https://learn.microsoft.com/rest/api/cosmos-db/common-cosmosdb-rest-request-headers
_KINDS_OF_POST = {
    "x-ms-cosmos-is-query-plan-request": "query plan",
    "x-ms-documentdb-isquery": "query",
    "x-ms-cosmos-is-batch-request": "batch",
    "x-ms-documentdb-is-upsert": "upsert",
}
_OPERATIONS = {"GET": "read", "PUT": "replace", "PATCH": "patch", "DELETE": "delete", "POST": "create"}
_is_bookkeeping: ContextVar[bool] = ContextVar("chatlog_is_bookkeeping", default=False)


class Meter:
    """Sees every request of one connection.

    Args:
        takings: where to add it up.
        warn_above: request units that one request, or one query with all its pages, may cost without a word in the log.
    """

    def __init__(self, takings: Takings, *, warn_above: float) -> None:
        self.busy = 0
        self._takings = takings
        self._warn_above = warn_above

    def before(self, request: PipelineRequest[HttpRequest]) -> None:
        """Remember when a request is sent."""
        request.context[_SENT_AT] = time.perf_counter()

    def after(self, response: PipelineResponse[HttpRequest, AsyncHttpResponse]) -> None:
        """Count an answer with its charge; answers about the account and its parts have none."""
        request, answer = response.http_request, response.http_response
        if _CHARGE not in answer.headers or "/docs" not in request.url:
            return
        units, operation = _units(answer.headers[_CHARGE]), _operation(request)
        figures = RequestFigures(
            count=1,
            units=units,
            throttled=int(answer.status_code == _TOO_MANY_REQUESTS),
            seconds=time.perf_counter() - response.context.get(_SENT_AT, time.perf_counter()),
        )
        note_charge(operation, units)
        self.busy += not _is_bookkeeping.get()
        kind = LEDGER_OPERATION if _is_bookkeeping.get() else operation
        self._takings.note(utc_now().date(), kind, figures)
        counters.note_request(kind, figures)
        if operation != "query":
            self._warn(f"One {operation}", units)

    @contextmanager
    def watch_query(self, text: str) -> Iterator[Charges]:
        """Sum all pages of a query. Its text holds no values."""
        with collect_charges() as charges:
            try:
                yield charges
            finally:
                self._warn(f"The query {text!r}", charges.units)

    def _warn(self, what: str, units: float) -> None:
        if units > self._warn_above:
            logger.warning("%s cost %.2f RU, more than the %g of CHATLOG_WARN_ABOVE_RU.", what, units, self._warn_above)


@contextmanager
def bookkeeping() -> Iterator[None]:
    """Requests sent in the block are the ledger's own, and no reason to write into it again."""
    token = _is_bookkeeping.set(True)
    try:
        yield
    finally:
        _is_bookkeeping.reset(token)


def charge_of(headers: Mapping[str, str]) -> float:
    """The request units in an answer's headers; 0 if they tell none."""
    return _units(headers.get(_CHARGE, ""))


def _units(header: str) -> float:
    """One answer that makes no sense must not spoil the sum of a month."""
    try:
        units = float(header)
    except ValueError:
        return 0.0
    return units if math.isfinite(units) and units >= 0 else 0.0


def _operation(request: HttpRequest) -> str:
    kinds = (kind for header, kind in _KINDS_OF_POST.items() if request.headers.get(header, "").lower() == "true")
    return next(kinds, _OPERATIONS.get(request.method, request.method.lower()))
