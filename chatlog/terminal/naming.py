"""Which discussion is meant: people write the beginning of an id, or `latest`."""

from __future__ import annotations

from chatlog.domain.models import Session
from chatlog.errors import InvalidId, SessionDeleted, SessionNotFound
from chatlog.storage.base import SessionReader

LATEST = "latest"
# Beginnings are looked for among so many of the newest sessions.
MOST_SEARCHED = 10_000
_PAGE = 1_000
_NAMED = 3

HELP = "the id of a discussion, the beginning of one, or “latest”"


async def get_named(store: SessionReader, name: str) -> Session:
    """The session with that id, the newest one for "latest", or the one whose id begins so.

    Raises:
        SessionNotFound: there is none.
        InvalidId: several ids begin so.
    """
    try:
        return await store.get_session(name)
    except SessionDeleted:
        raise
    except SessionNotFound:
        found = await (_list_newest(store) if name == LATEST else _list_beginning(store, name))
        if not found:
            raise
    if len(found) > 1:
        some = ", ".join(session.session_id for session in found[:_NAMED]) + (" …" if len(found) > _NAMED else "")
        raise InvalidId("SESSION", f"{len(found)} ids begin with {name!r}: {some}. Write more of it.")
    return found[0]


async def _list_newest(store: SessionReader) -> list[Session]:
    return list((await store.list_sessions(limit=1)).items)


async def _list_beginning(store: SessionReader, name: str) -> list[Session]:
    found: list[Session] = []
    cursor: str | None = None
    for _ in range(MOST_SEARCHED // _PAGE):
        page = await store.list_sessions(limit=_PAGE, cursor=cursor)
        found += [session for session in page.items if session.session_id.startswith(name)]
        cursor = page.next_cursor
        if cursor is None:
            break
    return found
