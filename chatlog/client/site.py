"""The calls of a site's HTTP API, with values of the domain on this side. What is no answer of that API counts as none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from chatlog.client import wire
from chatlog.client.http import HttpApi
from chatlog.client.problems import Away
from chatlog.domain.models import Message, Session

Item = TypeVar("Item")
# A full list on a slow line takes longer than a question. The site gives a body sixty seconds.
LIST_SECONDS = 60.0


class Site:
    """A site, as it answers now. Every method may raise `Refusal`, `StorageDenied` or `Away`."""

    def __init__(self, api: HttpApi) -> None:
        self._api = api

    @property
    def name(self) -> str:
        """Its address."""
        return self._api.site

    async def begin_session(self, session_id: str, *, body: str) -> Session:
        """Begin a session, or find it begun with the same task."""
        answer = await self._api.post("sessions", body=body)
        return self._read_session(answer, session_id)

    async def get_session(self, session_id: str) -> Session:
        """One session."""
        return self._read_session(await self._api.get("sessions", session_id), session_id)

    async def change_session(self, session_id: str, *, body: str) -> Session:
        """Change a session, and return it as it is now."""
        return self._read_session(await self._api.patch("sessions", session_id, body=body), session_id)

    async def delete_session(self, session_id: str) -> None:
        """Delete a session; its site can restore it for a week."""
        await self._api.delete("sessions", session_id)

    async def list_sessions(self, **query: Any) -> tuple[list[Session], str | None]:
        """A page of sessions, newest first, and the cursor of the next."""
        answer = await self._api.get("sessions", **query)
        return self._read_page(answer, wire.read_session, more="next_cursor")

    async def send_messages(self, session_id: str, *, bodies: Sequence[str], message_ids: Sequence[str]) -> list[int]:
        """Store messages, at most as many as one call takes, and return their sequences."""
        seconds = None if len(bodies) == 1 else LIST_SECONDS
        answer = await self._api.post("sessions", session_id, "messages", body=wire.join(bodies), seconds=seconds)
        with self._understood():
            return wire.read_sequences(answer, message_ids)

    async def list_messages(self, session_id: str, *, after: int, limit: int) -> tuple[list[Message], int | None]:
        """Messages, fewer than `limit` where they are long, and after which the next ones come, if there are any."""
        answer = await self._api.get("sessions", session_id, "messages", after=after, limit=limit)
        return self._read_page(answer, wire.read_message, more="next_after")

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._api.aclose()

    def _read_session(self, answer: Any, session_id: str) -> Session:
        with self._understood():
            session = wire.read_session(answer)
            if session.session_id != session_id:
                raise ValueError(f"it is about session {session.session_id!r}")
            return session

    def _read_page(self, answer: Any, read: Callable[[Mapping[str, Any]], Item], *, more: str) -> tuple[list[Item], Any]:
        with self._understood():
            return [read(item) for item in answer["items"]], answer[more]

    @contextmanager
    def _understood(self) -> Iterator[None]:
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Away.answered(f"{self.name} answered something that is not chatlog's API: {error!r}.") from error
