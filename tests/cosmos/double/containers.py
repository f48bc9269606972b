"""Items in memory, with the rules the service keeps for them."""

from __future__ import annotations

import base64
import copy
import itertools
import json
import time
import uuid
import zlib
from typing import Any

from tests.cosmos.double.refusals import Refusal
from tests.cosmos.double.sql import parse

# https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits
MAX_ITEM_BYTES = 2 * 1024 * 1024
MAX_ID_BYTES = 1023
# https://learn.microsoft.com/azure/cosmos-db/partial-document-update-faq ("Is there a limit to the number of operations?")
MAX_PATCH_OPERATIONS = 10
PHYSICAL_PARTITIONS = 2

Item = dict[str, Any]
_numbers = itertools.count(1)


class Container:
    """One container: its properties, and the items of each logical partition by their ids."""

    def __init__(self, properties: dict[str, Any]) -> None:
        rid = _rid()
        self.properties = {"indexingPolicy": {}, **properties, "_rid": rid, "_self": rid, "_etag": _etag(), "_ts": 0}
        self.partitions: dict[str, dict[str, Item]] = {}
        self.taken: dict[tuple[str, str, str], str] = {}
        self.lsn = 0
        self.changes: list[dict[tuple[str, str], int]] = [{} for _ in range(PHYSICAL_PARTITIONS)]
        self.seconds_ahead = 0.0  # of this container's clock, for tests that cannot wait
        keys = (properties.get("uniqueKeyPolicy") or {}).get("uniqueKeys") or []
        self.unique_paths = [tuple(path.strip("/") for path in key["paths"]) for key in keys]
        self.key_name = properties["partitionKey"]["paths"][0].strip("/")

    @property
    def indexing_policy(self) -> dict[str, Any]:
        return self.properties["indexingPolicy"]

    def items(self, *, key: str | None = None, physical: int | None = None) -> list[Item]:
        keys = [key] if key is not None else [key for key in self.partitions if physical in (None, physical_of(key))]
        return [item for key in keys for item in self.partitions.get(key, {}).values() if not self._is_expired(item)]

    def read(self, key: str, item_id: str) -> Item:
        item = self.partitions.get(key, {}).get(item_id)
        if item is None or self._is_expired(item):
            raise Refusal(404, "Entity with the specified id does not exist in the system.")
        return item

    def create(self, key: str, body: Item) -> Item:
        self._check(key, body)
        items = self.partitions.setdefault(key, {})
        if body["id"] in items:
            raise Refusal(409, "Entity with the specified id already exists in the system.")
        return self._keep(key, body)

    def replace(self, key: str, item_id: str, body: Item, *, if_match: str | None = None) -> Item:
        self._check(key, body)
        _check_etag(self.read(key, item_id), if_match)
        if body["id"] != item_id:
            raise Refusal(400, "The id of an item cannot be changed.")
        return self._keep(key, body)

    def put(self, key: str, body: Item) -> Item:
        self._check(key, body)
        self.partitions.setdefault(key, {})
        return self._keep(key, body)

    def patch(self, key: str, item_id: str, body: dict[str, Any], *, if_match: str | None = None) -> Item:
        item = self.read(key, item_id)
        _check_etag(item, if_match)
        condition = body.get("condition")
        if condition and parse(f"SELECT * {condition}").where({"c": item, "parameters": {}}) is not True:
            raise Refusal(412, "The condition specified in the patch is not met.")
        if len(body["operations"]) > MAX_PATCH_OPERATIONS:
            raise Refusal(400, "The number of patch operations can't exceed '10'.")
        changed = copy.deepcopy(item)
        for operation in body["operations"]:
            _apply(changed, operation)
        return self.replace(key, item_id, changed)

    def delete(self, key: str, item_id: str, *, if_match: str | None = None) -> None:
        _check_etag(self.read(key, item_id), if_match)
        self._forget_values(key, self.partitions[key].pop(item_id))

    def _is_expired(self, item: Item) -> bool:
        # Counted from the last change, and only where the container has a default, be it -1:
        # https://learn.microsoft.com/azure/cosmos-db/nosql/time-to-live#time-to-live-configurations
        default = self.properties.get("defaultTtl")
        lifetime = -1 if default is None else item.get("ttl", default)
        return lifetime > 0 and item["_ts"] + lifetime <= time.time() + self.seconds_ahead

    def _check(self, key: str, body: Item) -> None:
        check_id(body.get("id"))
        if body.get(self.key_name) != key:
            # https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb (400, sub-status 1001)
            raise Refusal(400, "PartitionKey extracted from document doesn't match the one in the header", sub_status=1001)
        if len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()) > MAX_ITEM_BYTES:
            raise Refusal(413, "Request size is too large")
        if "ttl" in body and not (type(body["ttl"]) is int and (body["ttl"] == -1 or body["ttl"] > 0)):
            # "a nonzero positive integer or -1": https://learn.microsoft.com/azure/cosmos-db/nosql/how-to-time-to-live
            raise Refusal(400, "The input ttl is invalid. Ensure to provide a nonzero positive integer, or -1.")

    def _keep(self, key: str, body: Item) -> Item:
        # Unique within a logical partition; a missing value counts as null, and as one value:
        # https://learn.microsoft.com/azure/cosmos-db/unique-keys
        for value in self._unique_values(key, body):
            if self.taken.get(value, body["id"]) != body["id"]:
                raise Refusal(409, "Unique index constraint violation.")
        kept = self.partitions[key].get(body["id"], {})
        self._forget_values(key, kept)
        self.taken.update(dict.fromkeys(self._unique_values(key, body), body["id"]))
        self.lsn += 1
        stored = {**body, "_rid": kept.get("_rid") or _rid(), "_self": "", "_etag": _etag(), "_ts": int(time.time())}
        self.partitions[key][body["id"]] = stored
        self._note_change(key, body["id"])
        return stored

    def list_changes(self, physical: int, *, after: int) -> list[Item]:
        """The newest state of what changed after a number of the physical partition, in the order of the last changes."""
        # Source: https://learn.microsoft.com/azure/cosmos-db/change-feed-modes#latest-version-change-feed-mode
        wanted = sorted((lsn, place) for place, lsn in self.changes[physical].items() if lsn > after)
        items = [(lsn, self.partitions[key].get(item_id)) for lsn, (key, item_id) in wanted]
        return [{**item, "_lsn": lsn} for lsn, item in items if item is not None and not self._is_expired(item)]

    def count_changes(self, physical: int) -> int:
        return max(self.changes[physical].values(), default=0)

    def _note_change(self, key: str, item_id: str) -> None:
        # Each physical partition counts for itself, so that a token of one means something else to another.
        physical = physical_of(key)
        self.changes[physical][key, item_id] = self.count_changes(physical) + 1

    def _unique_values(self, key: str, body: Item) -> list[tuple[str, str, str]]:
        return [(key, str(paths), json.dumps([body.get(path) for path in paths])) for paths in self.unique_paths]

    def _forget_values(self, key: str, item: Item) -> None:
        for value in self._unique_values(key, item) if item else ():
            self.taken.pop(value, None)


def physical_of(key: str) -> int:
    return zlib.crc32(key.encode()) % PHYSICAL_PARTITIONS


def check_id(value: Any) -> None:
    # https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits; `?` and `#` are named in
    # https://learn.microsoft.com/dotnet/api/microsoft.azure.documents.resource.id
    if not isinstance(value, str) or not value or any(sign in value for sign in "/\\?#"):
        raise Refusal(400, f"The id {value!r} contains illegal characters or is missing.")
    if len(value.encode()) > MAX_ID_BYTES:
        raise Refusal(400, "The id is longer than 1023 bytes.")


def _check_etag(item: Item, if_match: str | None) -> None:
    if if_match not in (None, "*", item["_etag"]):
        raise Refusal(412, "One of the specified pre-condition is not met.")


def _apply(item: Item, operation: dict[str, Any]) -> None:
    *parents, name = operation["path"].strip("/").split("/")
    if name.startswith("_") or (not parents and name == "id"):
        raise Refusal(400, f"{name} cannot be patched.")
    target = item
    for parent in parents:
        target = target[parent]
    match operation["op"]:
        case "set" | "add":
            target[name] = operation["value"]
        case "remove":
            # https://learn.microsoft.com/azure/cosmos-db/partial-document-update#supported-operations ("Remove")
            if name not in target:
                raise Refusal(400, f"The path {operation['path']!r} to be removed is absent.")
            del target[name]
        case "incr":
            target[name] = target.get(name, 0) + operation["value"]
        case other:
            raise Refusal(400, f"The double knows no patch operation {other!r}.")


def _etag() -> str:
    return f'"{uuid.uuid4()}"'


def _rid() -> str:
    return base64.b64encode(next(_numbers).to_bytes(12, "big")).decode().replace("/", "-")
