"""Transactional batches: all or nothing. https://learn.microsoft.com/azure/cosmos-db/nosql/transactional-batch"""

from __future__ import annotations

from typing import Any

from tests.cosmos.double.containers import Container
from tests.cosmos.double.refusals import Refusal

# https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-request-limits
MAX_OPERATIONS = 100
MAX_BYTES = 2 * 1024 * 1024


def run_batch(
    container: Container, key: str, operations: list[dict[str, Any]], *, size: int
) -> tuple[int, list[dict[str, Any]]]:
    """The status of the batch, and of each operation: 424 for those that failed because another one did."""
    if len(operations) > MAX_OPERATIONS:
        raise Refusal(400, "Batch request has more operations than what is supported.")
    if size > MAX_BYTES:
        raise Refusal(413, "Request size is too large")
    items, taken = dict(container.partitions.get(key, {})), dict(container.taken)
    results = []
    for number, operation in enumerate(operations):
        try:
            results.append(_run(container, key, operation))
        except Refusal as refusal:
            container.partitions[key], container.taken = items, taken
            failed = [{"statusCode": 424, "requestCharge": 0} for _ in operations]
            failed[number] = {"statusCode": refusal.status, "subStatusCode": refusal.sub_status or 0, "requestCharge": 1.0}
            return 207, failed
    return 200, results


def _run(container: Container, key: str, operation: dict[str, Any]) -> dict[str, Any]:
    if_match, body = operation.get("ifMatch"), operation.get("resourceBody")
    match operation["operationType"]:
        case "Create":
            status, item = 201, container.create(key, body)
        case "Read":
            status, item = 200, container.read(key, operation["id"])
        case "Replace":
            status, item = 200, container.replace(key, operation["id"], body, if_match=if_match)
        case "Patch":
            status, item = 200, container.patch(key, operation["id"], body, if_match=if_match)
        case "Delete":
            container.delete(key, operation["id"], if_match=if_match)
            return {"statusCode": 204, "requestCharge": 5.0}
        case other:
            raise Refusal(400, f"The double knows no batch operation {other!r}.")
    return {"statusCode": status, "requestCharge": 5.0, "eTag": item["_etag"], "resourceBody": item}
