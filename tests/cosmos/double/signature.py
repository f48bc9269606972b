"""Checking the key: https://learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources#constructkeytoken"""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import unquote

from tests.cosmos.double.refusals import Refusal

_KINDS = {"dbs", "colls", "docs", "pkranges", "offers"}


def check_signature(*, key: str, method: str, path: str, date: str, authorization: str) -> None:
    """Raise 401 unless the request is signed with `key`."""
    kind, link = _resource(path)
    text = f"{method.lower()}\n{kind}\n{link}\n{date.lower()}\n\n"
    digest = hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()
    expected = f"type=master&ver=1.0&sig={base64.b64encode(digest).decode()}"
    if not hmac.compare_digest(unquote(authorization).encode(), expected.encode()):
        raise Refusal(401, "The input authorization token can't serve the request. The wrong key is being used.")


def _resource(path: str) -> tuple[str, str]:
    """Kind and link of what a path names: of a collection of things, the link is that of its owner."""
    parts = [unquote(part) for part in path.strip("/").split("/") if part]
    if not parts:
        return "", ""
    if parts[0] == "offers":
        # An offer is named by its _rid alone, in lower case: https://learn.microsoft.com/rest/api/cosmos-db/get-an-offer
        return "offers", "/".join(parts[1:]).lower()
    if len(parts) % 2:
        return parts[-1], "/".join(parts[:-1])
    return parts[-2], "/".join(parts)
