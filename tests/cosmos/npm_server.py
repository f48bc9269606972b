"""An independent Cosmos DB server from npm, through which the real SDK is tested.

Where it deviates from the service (each checked in tests/cosmos/test_npm_server.py):

* A missing item is answered with 500 instead of 404; mended in npm_server.js.
* A composite index serves its own order only, not the reverse; mended in npm_server.js.
* Items never expire.
* Batches are not atomic: what came before the operation that failed stays stored.
* A batch knows no patch operations.
* It looks at no key and no signature.
* It does not look at sizes: items over 2 MB and batches over 100 operations or 2 MB are stored.
* A query that is to stay in one partition must name the partition key in its WHERE; the header alone is ignored.
* One physical partition only, so that nothing is merged by the SDK; no offers, no GROUP BY, no OFFSET.
* A patch's condition is lower-cased before it is evaluated, values included.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def npm_server() -> Iterator[str]:
    """Run the server and yield its address."""
    if not (ROOT / "node_modules/@vercel/cosmosdb-server").is_dir():
        raise RuntimeError("@vercel/cosmosdb-server is not installed. Run: npm ci")
    process = subprocess.Popen(
        ["node", "tests/cosmos/npm_server.js"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        port = process.stdout.readline().strip()
        if not port:
            raise RuntimeError("@vercel/cosmosdb-server did not start; see its error above.")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stdin.close()
        process.wait(timeout=10)
        process.stdout.close()
