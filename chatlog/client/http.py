"""Calls of the HTTP API: each inside a time limit, with the answer it asked for or an error that says what to make of it."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
from yarl import URL

from chatlog.client.address import SiteAddress
from chatlog.client.problems import Away, find_problem

CONNECT_SECONDS = 5.0
# A site that is asked too often wants a moment, and gets it from whoever reads as from whoever writes. For one that wants more,
# the queue waits in a writer's place; and a reader is given up after five seconds (`services.following.READ_SECONDS`).
PATIENCE_SECONDS = 3.0
_JSON = "application/json"


class HttpApi:
    """Speaks to one site with one token. It belongs to the event loop it is made in.

    Every call may be repeated: what is written has its id, or says how something is to be, not what is to be added.
    """

    def __init__(self, address: SiteAddress, *, token: str, seconds: float, proxy: str | None = None) -> None:
        self.site = address.root
        self._address = address
        self._seconds = seconds
        headers = {"Authorization": f"Bearer {token}", "Accept": f"{_JSON}, application/problem+json"}
        # Cookies are for people; a jar would only carry what a proxy sets.
        jar = aiohttp.DummyCookieJar()
        self._session = aiohttp.ClientSession(headers=headers, cookie_jar=jar, raise_for_status=False, proxy=proxy)

    async def get(self, *path: str, **query: Any) -> Any:
        """Read. A parameter that is `None` is left out, one that is a list is repeated."""
        return await self._call("GET", path, query=query)

    async def post(self, *path: str, body: str, seconds: float | None = None) -> Any:
        """Store something new."""
        return await self._call("POST", path, body=body, seconds=seconds)

    async def patch(self, *path: str, body: str) -> Any:
        """Change something."""
        return await self._call("PATCH", path, body=body)

    async def delete(self, *path: str) -> None:
        """Take something away."""
        await self._call("DELETE", path)

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._session.close()

    async def _call(
        self,
        method: str,
        path: Sequence[str],
        *,
        query: Mapping[str, Any] | None = None,
        body: str | None = None,
        seconds: float | None = None,
    ) -> Any:
        url = URL(self._address.call(*path), encoded=True).with_query(_list_parameters(query or {}))
        limit = aiohttp.ClientTimeout(total=seconds or self._seconds, connect=CONNECT_SECONDS)
        sent = None if body is None else body.encode()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            status, headers, answered = await self._ask(method, url, sent, limit)
            try:
                return self._read(method, status, headers, answered)
            except Away as error:
                if not error.retry_after or time.monotonic() + error.retry_after > deadline:
                    raise
                await asyncio.sleep(error.retry_after)

    async def _ask(
        self, method: str, url: URL, body: bytes | None, limit: aiohttp.ClientTimeout
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Whatever is answered. Raises `Away` if nobody does."""
        try:
            try:
                return await self._send(method, url, body, limit)
            except aiohttp.ClientConnectorError:
                raise
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionResetError):
                # A connection that was kept open may be closed by the site just when it is used again.
                return await self._send(method, url, body, limit)
        except TimeoutError as error:
            raise Away(f"{self.site} did not answer within {limit.total:g} s.") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Away(f"{self.site} cannot be reached: {_reason(error)}.") from error

    async def _send(
        self, method: str, url: URL, body: bytes | None, limit: aiohttp.ClientTimeout
    ) -> tuple[int, Mapping[str, str], bytes]:
        headers = {} if body is None else {"Content-Type": _JSON}
        async with self._session.request(
            method, url, data=body, headers=headers, timeout=limit, allow_redirects=False
        ) as response:
            return response.status, response.headers, await response.read()

    def _read(self, method: str, status: int, headers: Mapping[str, str], body: bytes) -> Any:
        """What was answered. Success is only what the API itself would answer with."""
        if method == "DELETE" and status == 204:
            return None
        if status != (201 if method == "POST" else 200):
            raise find_problem(status, headers, body, site=self.site)
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise find_problem(status, headers, body, site=self.site) from error


def _reason(error: Exception) -> str:
    """Why nobody is there, in few words. aiohttp's name the address once more, but say what a name or certificate lacks."""
    if type(error) in {aiohttp.ClientConnectorError, aiohttp.ClientOSError} and isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return str(error) or type(error).__name__


def _list_parameters(query: Mapping[str, Any]) -> list[tuple[str, str]]:
    lists = {name: value if isinstance(value, list | tuple) else [value] for name, value in query.items()}
    return [(name, str(value)) for name, values in lists.items() for value in values if value is not None]
