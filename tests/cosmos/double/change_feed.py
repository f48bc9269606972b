"""The change feed in the mode "latest version": https://learn.microsoft.com/rest/api/cosmos-db/list-documents

Read per physical partition, each with an etag of its own; 304 says that there is nothing new.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.cosmos.double.containers import PHYSICAL_PARTITIONS, Container
from tests.cosmos.double.refusals import Refusal


def read_changes(request: web.Request, container: Container) -> tuple[int, Any, dict[str, str]]:
    headers = request.headers
    if headers.get("a-im", "").lower() not in {"incremental feed", "incremental-feed"}:
        raise Refusal(400, "The double reads no items without a query, only their change feed (A-IM: Incremental feed).")
    physical = _physical(headers.get("x-ms-documentdb-partitionkeyrangeid"))
    after = _position(headers.get("if-none-match"), container, physical)
    most = int(headers.get("x-ms-max-item-count", -1))
    changed = container.list_changes(physical, after=after)
    shown = changed[: most if most > 0 else None]
    # The etag is the position to go on from; it comes with 304, too.
    etag = str(shown[-1]["_lsn"] if shown else max(after, container.count_changes(physical)))
    answer = {"etag": f'"{etag}"', "x-ms-session-token": f"{physical}:-1#{container.lsn}"}
    if not shown:
        return 304, None, answer
    return 200, {"_rid": container.properties["_rid"], "Documents": shown, "_count": len(shown)}, answer


def _physical(range_id: str | None) -> int:
    if range_id is None:
        raise Refusal(400, "A change feed is read for one partition key range.")
    if not range_id.isdigit() or int(range_id) >= PHYSICAL_PARTITIONS:
        # https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb (410, sub-status 1002)
        raise Refusal(410, "Partition key range is gone.", sub_status=1002)
    return int(range_id)


def _position(if_none_match: str | None, container: Container, physical: int) -> int:
    """Without a header from the beginning; `*` is now."""
    if if_none_match is None:
        return 0
    if if_none_match == "*":
        return container.count_changes(physical)
    token = if_none_match.strip('"')
    if not token.isdigit():
        # What a resumed read sends that took the SDK's own token for an etag:
        raise Refusal(400, f"Invalid If-None-Match header {if_none_match!r}.")
    return int(token)
