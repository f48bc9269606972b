"""The REST gateway: https://learn.microsoft.com/rest/api/cosmos-db/

Signed requests in, JSON out. Strict: what the service refuses is refused here, with the page that says so beside it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import zlib
from typing import Any

from aiohttp import web

from tests.cosmos.double.batches import run_batch
from tests.cosmos.double.change_feed import read_changes
from tests.cosmos.double.containers import PHYSICAL_PARTITIONS, Container, check_id
from tests.cosmos.double.faults import Journal
from tests.cosmos.double.offers import Offers
from tests.cosmos.double.querying import answer, needs_plan, page, plan
from tests.cosmos.double.refusals import Refusal
from tests.cosmos.double.signature import check_signature

_BOUNDS = ["", "7F", "FF"]


class Gateway:
    """One account."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.databases: dict[str, dict[str, Container]] = {}
        self.may_create = True
        self.offers = Offers()
        self.journal = Journal()

    def application(self) -> web.Application:
        # The service decides about sizes itself, with 413.
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self.handle)
        return app

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        operation = _operation(request)
        fault = self.journal.take_fault(operation)
        if fault is not None and fault.kind == "hang":
            await self.journal.hanging.wait()
        if fault is not None and fault.kind in {"refuse", "hang"}:
            return _cut(request)
        try:
            if fault is not None:
                fault.before()
            self._authorize(request)
            if operation.endswith("offers"):
                status, payload, headers = 200, self._offer(request, operation, body), {}
            else:
                status, payload, headers = self._route(request, operation, body)
            if fault is not None:
                fault.after()
        except Refusal as refusal:
            status, payload, headers = refusal.status, {"code": str(refusal.status), "message": refusal.message}, {}
            headers |= {"x-ms-substatus": str(refusal.sub_status)} if refusal.sub_status else {}
            headers |= {"x-ms-retry-after-ms": str(refusal.retry_after_ms)} if refusal.retry_after_ms else {}
        if fault is not None and fault.kind == "drop_reply":
            return _cut(request)
        text = "" if payload is None else json.dumps(payload, ensure_ascii=False)
        if fault is not None and fault.kind == "garble":
            text = text[: len(text) // 2]
        charge = _charge(operation, payload)
        self.journal.units += charge
        headers = {"x-ms-request-charge": f"{charge:.2f}", **headers}
        return web.Response(status=status, text=text, content_type="application/json", headers=headers)

    def _authorize(self, request: web.Request) -> None:
        check_signature(
            key=self.key,
            method=request.method,
            path=request.rel_url.raw_path,
            date=request.headers.get("x-ms-date", ""),
            authorization=request.headers.get("authorization", ""),
        )

    def _route(self, request: web.Request, operation: str, body: bytes) -> tuple[int, Any, dict[str, str]]:
        parts = request.path.strip("/").split("/")
        match parts:
            case [""]:
                return 200, self._account(request), {}
            case ["dbs", *rest] if len(rest) < 2:
                return self._database(request.method, rest, body)
            case ["dbs", database, "colls", *rest] if len(rest) < 2:
                return self._container(request.method, self._find_database(database), rest, body)
            case ["dbs", database, "colls", name, "pkranges"]:
                return _ranges(request, self._find_container(database, name))
            case ["dbs", database, "colls", name, "docs"]:
                return self._items(request, operation, self._find_container(database, name), body)
            case ["dbs", database, "colls", name, "docs", item_id]:
                return _item(request, self._find_container(database, name), item_id, body)
        raise Refusal(400, f"The double knows no resource {request.path!r}.")

    def _offer(self, request: web.Request, operation: str, body: bytes) -> dict[str, Any]:
        if operation == "post offers":
            return self.offers.query(request.headers, body)
        if operation == "put offers":
            return self.offers.replace(request.path.strip("/").split("/")[-1], body)
        raise Refusal(405, operation)

    def _account(self, request: web.Request) -> dict[str, Any]:
        here = [{"name": "Here", "databaseAccountEndpoint": f"http://{request.host}/"}]
        return {
            "id": "double",
            "writableLocations": here,
            "readableLocations": here,
            "enableMultipleWriteLocations": False,
            "userConsistencyPolicy": {"defaultConsistencyLevel": "Session"},
        }

    def _database(self, method: str, rest: list[str], body: bytes) -> tuple[int, Any, dict[str, str]]:
        if method == "POST":
            name = self._new_name(body)
            if name in self.databases:
                raise Refusal(409, "Resource with specified id or name already exists.")
            self.databases[name] = {}
            return 201, database_properties(name), {}
        if method == "DELETE":
            self._find_database(rest[0])
            del self.databases[rest[0]]
            return 204, None, {}
        self._find_database(rest[0])
        return 200, database_properties(rest[0]), {}

    def _container(
        self, method: str, database: dict[str, Container], rest: list[str], body: bytes
    ) -> tuple[int, Any, dict[str, str]]:
        if method == "POST":
            name = self._new_name(body)
            if name in database:
                raise Refusal(409, "Resource with specified id or name already exists.")
            database[name] = Container(json.loads(body))
            return 201, database[name].properties, {}
        if rest[0] not in database:
            raise _no_owner()
        return 200, database[rest[0]].properties, {}

    def _new_name(self, body: bytes) -> str:
        if not self.may_create:
            # Data roles of Microsoft Entra ID cannot create databases and containers:
            # https://learn.microsoft.com/azure/cosmos-db/nosql/troubleshoot-forbidden#non-data-operations-are-not-allowed
            raise Refusal(403, "Request blocked by Auth: cannot be authorized by AAD token in data plane.", sub_status=5300)
        name = json.loads(body)["id"]
        check_id(name)
        return name

    def _find_database(self, name: str) -> dict[str, Container]:
        if name not in self.databases:
            raise _no_owner()
        return self.databases[name]

    def _find_container(self, database: str, name: str) -> Container:
        containers = self._find_database(database)
        if name not in containers:
            raise _no_owner()
        return containers[name]

    def _items(
        self, request: web.Request, operation: str, container: Container, body: bytes
    ) -> tuple[int, Any, dict[str, str]]:
        if operation == "change_feed":
            return read_changes(request, container)
        content = json.loads(body)
        if operation == "query_plan":
            return 200, plan(content["query"], indexing_policy=container.indexing_policy), {}
        if operation == "query":
            if "x-ms-documentdb-partitionkeyrangeid" not in request.headers:  # there it is the text of the double's own plan
                self.journal.texts.add(content["query"])
            return _query(request, container, content)
        key = _partition_key(request)
        if key is None:
            raise Refusal(400, "PartitionKey value must be supplied for this operation.")
        if operation == "batch":
            status, results = run_batch(container, key, content, size=len(body))
            return status, results, _session_token(container)
        if operation == "upsert":
            # https://learn.microsoft.com/rest/api/cosmos-db/create-a-document (x-ms-documentdb-is-upsert)
            item = container.put(key, content)
            return 200, item, {"etag": item["_etag"], **_session_token(container)}
        item = container.create(key, content)
        return 201, None if request.headers.get("prefer") == "return=minimal" else item, _session_token(container)


def database_properties(name: str) -> dict[str, Any]:
    rid = base64.b64encode(zlib.crc32(name.encode()).to_bytes(4, "big")).decode().replace("/", "-")
    return {"id": name, "_rid": rid, "_self": f"dbs/{rid}/", "_etag": "", "_ts": 0}


def _query(request: web.Request, container: Container, content: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
    key, physical = _partition_key(request), request.headers.get("x-ms-documentdb-partitionkeyrangeid")
    if key is None and physical is None:
        if request.headers.get("x-ms-documentdb-query-enablecrosspartition", "").lower() != "true":
            raise Refusal(400, "Cross partition query is required but disabled.")
        if needs_plan(content["query"]):
            # The client has to merge; sub-status 1004 tells it to ask for a plan:
            # https://learn.microsoft.com/rest/api/cosmos-db/querying-cosmosdb-resources-using-the-rest-api
            raise Refusal(400, "The provided cross partition query can not be directly served by the gateway.", sub_status=1004)
    documents = container.items(key=key, physical=None if physical is None else int(physical))
    rows = answer(documents, content, indexing_policy=container.indexing_policy)
    most = int(request.headers.get("x-ms-max-item-count", -1))
    shown, following = page(rows, start=int(request.headers.get("x-ms-continuation") or 0), most=None if most < 1 else most)
    headers = {"x-ms-item-count": str(len(shown)), **_session_token(container)}
    if following is not None:
        headers["x-ms-continuation"] = str(following)
    return 200, {"_rid": container.properties["_rid"], "Documents": shown, "_count": len(shown)}, headers


def _item(request: web.Request, container: Container, item_id: str, body: bytes) -> tuple[int, Any, dict[str, str]]:
    key, if_match = _partition_key(request) or "", request.headers.get("if-match")
    match request.method:
        case "GET":
            return 200, container.read(key, item_id), _session_token(container)
        case "PUT":
            item = container.replace(key, item_id, json.loads(body), if_match=if_match)
        case "PATCH":
            item = container.patch(key, item_id, json.loads(body), if_match=if_match)
        case "DELETE":
            container.delete(key, item_id, if_match=if_match)
            return 204, None, _session_token(container)
        case other:
            raise Refusal(405, other)
    return 200, item, {"etag": item["_etag"], **_session_token(container)}


def _ranges(request: web.Request, container: Container) -> tuple[int, Any, dict[str, str]]:
    # Read as a change feed: the second read answers "nothing new".
    if request.headers.get("if-none-match") == '"1"':
        return 304, None, {"etag": '"1"'}
    ranges = [
        {
            "id": str(number),
            "minInclusive": _BOUNDS[number],
            "maxExclusive": _BOUNDS[number + 1],
            "_rid": f"range{number}",
            "parents": [],
        }
        for number in range(PHYSICAL_PARTITIONS)
    ]
    return 200, {"_rid": container.properties["_rid"], "PartitionKeyRanges": ranges, "_count": len(ranges)}, {"etag": '"1"'}


def _charge(operation: str, payload: Any) -> float:
    # Of the order that the service charges for items of 1 kB; only that they differ matters here:
    # https://learn.microsoft.com/azure/cosmos-db/request-units
    if operation == "query" and isinstance(payload, dict):
        return 2.5 + 0.5 * len(payload.get("Documents", ()))
    return {"read": 1.0, "create": 6.0, "patch": 10.0, "delete": 6.0, "replace": 10.0, "upsert": 10.0, "batch": 12.0}.get(
        operation, 1.0
    )


def _operation(request: web.Request) -> str:
    headers, kind = request.headers, request.path.strip("/").split("/")[-2:]
    if "docs" not in kind:
        return "account" if request.path == "/" else f"{request.method.lower()} {kind[-1] if kind[-1] in _KINDS else kind[0]}"
    if request.method != "POST":
        reading = "change_feed" if kind[-1] == "docs" else "read"
        return {"GET": reading, "PUT": "replace", "PATCH": "patch", "DELETE": "delete"}[request.method]
    if headers.get("x-ms-cosmos-is-query-plan-request", "").lower() == "true":
        return "query_plan"
    if headers.get("x-ms-documentdb-isquery", "").lower() == "true":
        return "query"
    if headers.get("x-ms-documentdb-is-upsert", "").lower() == "true":
        return "upsert"
    return "batch" if headers.get("x-ms-cosmos-is-batch-request", "").lower() == "true" else "create"


_KINDS = {"dbs", "colls", "pkranges", "offers"}


def _partition_key(request: web.Request) -> str | None:
    header = request.headers.get("x-ms-documentdb-partitionkey")
    return None if header is None else str(json.loads(header)[0])


def _session_token(container: Container) -> dict[str, str]:
    return {"x-ms-session-token": f"0:-1#{container.lsn}"}


def _no_owner() -> Refusal:
    # https://learn.microsoft.com/azure/cosmos-db/nosql/troubleshoot-not-found (sub-status 1003)
    return Refusal(404, "Owner resource does not exist", sub_status=1003)


def _cut(request: web.Request) -> web.StreamResponse:
    """Close the connection without a reply."""
    if request.transport is not None:
        request.transport.abort()
    raise asyncio.CancelledError
