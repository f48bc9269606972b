"""Offers: what throughput is reserved. https://learn.microsoft.com/rest/api/cosmos-db/offers"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.cosmos.double.refusals import Refusal

# What the SDK asks; the double knows no other question about offers.
_QUESTION = "SELECT * FROM root r WHERE r.resource=@link"
# https://learn.microsoft.com/rest/api/cosmos-db/replace-an-offer#body
_REQUIRED = ("offerVersion", "content", "resource", "offerResourceId", "id", "_rid")
MOST = 1_000_000


@dataclass
class Offers:
    """The offers of an account.

    Attributes:
        may: what the identity may do with them.
        lowest: the least throughput that can be set; the service counts it from the highest value ever set, and from what is
            stored: https://learn.microsoft.com/azure/cosmos-db/concepts-limits#minimum-throughput-limits
        is_changing: a change is still under way.
    """

    is_serverless: bool = False
    may: Literal["nothing", "read", "change"] = "change"
    lowest: int = 400
    is_changing: bool = False
    by_rid: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, owner: dict[str, Any], *, manual: int | None = None, autoscale: int | None = None) -> dict[str, Any]:
        """Reserve throughput for a database or container, whose properties `owner` are."""
        rid = f"Of{len(self.by_rid):02}"
        content: dict[str, Any] = {"offerThroughput": manual or (autoscale or 0) // 10}
        if autoscale is not None:
            content["offerAutopilotSettings"] = {"maxThroughput": autoscale}
        offer = {"offerVersion": "V2", "offerType": "Invalid", "content": content, "resource": owner["_self"]}
        offer |= {
            "offerResourceId": owner["_rid"],
            "id": rid,
            "_rid": rid,
            "_self": f"offers/{rid}/",
            "_ts": 0,
        }
        self.by_rid[rid] = offer
        return offer

    def query(self, headers: Any, body: bytes) -> dict[str, Any]:
        """https://learn.microsoft.com/rest/api/cosmos-db/querying-offers"""
        self._check_may(("read", "change"))
        if (
            headers.get("content-type") != "application/query+json"
            or headers.get("x-ms-documentdb-isquery", "").lower() != "true"
        ):
            raise Refusal(400, "A query on offers must be marked as one.")
        content = json.loads(body)
        if content["query"] != _QUESTION:
            raise Refusal(400, f"The double answers no other question about offers than {_QUESTION!r}.")
        (link,) = (parameter["value"] for parameter in content["parameters"])
        found = [offer for offer in self.by_rid.values() if offer["resource"] == link]
        return {"_rid": "", "Offers": found, "_count": len(found)}

    def replace(self, rid: str, body: bytes) -> dict[str, Any]:
        """https://learn.microsoft.com/rest/api/cosmos-db/replace-an-offer"""
        self._check_may(("change",))
        offer = self.by_rid.get(rid)
        if offer is None:
            raise Refusal(404, "The offer is no longer a resource.")
        new = json.loads(body)
        if any(name not in new or (name != "content" and new[name] != offer[name]) for name in _REQUIRED):
            raise Refusal(400, "The offer is not complete, or is another one.")
        if self.is_changing:
            # "the scale operation cannot be performed because another scale operation is in progress":
            # https://learn.microsoft.com/dotnet/api/microsoft.azure.documents.client.documentclient.replaceofferasync
            raise Refusal(423, "Another scale operation is in progress.")
        self._check_content(offer["content"], new["content"])
        offer["content"] = new["content"]
        return offer

    def _check_content(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        if ("offerAutopilotSettings" in new) != ("offerAutopilotSettings" in old):
            # https://learn.microsoft.com/azure/cosmos-db/how-to-provision-autoscale-throughput (migrating wants a header)
            raise Refusal(400, "x-ms-cosmos-migrate-offer-to-manual-throughput or its opposite must be supplied.")
        if "offerAutopilotSettings" in new:
            value, step, lowest = new["offerAutopilotSettings"]["maxThroughput"], 1000, max(1000, self.lowest)
        else:
            value, step, lowest = new["offerThroughput"], 100, self.lowest
        if type(value) is not int or value % step or not lowest <= value <= MOST:
            # The service's words, as https://github.com/pagopa-archive/io-infrastructure-live-new/pull/582 quotes them.
            text = (
                f"The offer should have valid throughput values between {lowest} and {MOST} inclusive in increments of {step}."
            )
            raise Refusal(400, text)

    def _check_may(self, deeds: tuple[str, ...]) -> None:
        if self.is_serverless:
            # The service's words, as https://github.com/hashicorp/terraform-provider-azurerm/issues/9338 quotes them.
            raise Refusal(400, "Reading or replacing offers is not supported for serverless accounts.")
        if self.may not in deeds:
            # https://learn.microsoft.com/azure/cosmos-db/nosql/troubleshoot-forbidden#non-data-operations-are-not-allowed
            raise Refusal(403, "Request blocked by Auth: cannot be authorized by AAD token in data plane.", sub_status=5300)
