"""The discussions that are over: stored once, spread over the past days. Doing it again changes nothing."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import chatlog
from chatlog import MessageDraft, Session, SessionNotFound, SessionStatus, SessionStore
from chatlog.domain.clock import utc_now
from chatlog.domain.models import draft_session
from dashboard.demo.saying import until_stored
from dashboard.demo.scripts import AGENTS, Script


async def seed(store: SessionStore, scripts: list[Script]) -> None:
    """Store what is over and not stored yet; what a killed run left half done is completed."""
    for script in scripts:
        if script.status is not None:
            await until_stored(partial(_seed_one, store, script, status=script.status))


async def _seed_one(store: SessionStore, script: Script, *, status: SessionStatus) -> None:
    session = await _find_or_create(store, script)
    if session.status is not SessionStatus.ACTIVE:
        return
    recorder = chatlog.Recorder(store, session_id=session.session_id)
    await recorder.save_many(_drafts(script, session))
    await recorder.end(status)


async def _find_or_create(store: SessionStore, script: Script) -> Session:
    session_id = f"demo_{script.name.replace('.', '_')}"
    try:
        return await store.get_session(session_id)
    except SessionNotFound:
        return await store.create_session(
            draft_session(
                session_id=session_id,
                task=script.task,
                title=script.title,
                tags=script.tags,
                participants=AGENTS,
                created_at=utc_now() - script.started_ago,
            )
        )


def _drafts(script: Script, session: Session) -> list[MessageDraft]:
    drafts, moment = [], session.created_at
    for number, remark in enumerate(script.remarks, start=1):
        moment += timedelta(seconds=remark.pause)
        drafts.append(
            MessageDraft(
                source=remark.source,
                content=remark.content,
                kind=remark.kind,
                message_id=f"{session.session_id}-{number:03d}",
                timestamp=moment,
            )
        )
    return drafts
