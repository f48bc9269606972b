"""A session to take along, written while it is read."""

from __future__ import annotations

from enum import StrEnum

from django.http import HttpRequest, StreamingHttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from chatlog.domain.ids import check_id
from dashboard.api.filters import check_parameters
from dashboard.api.schemas import Id
from dashboard.programs.access import READ
from dashboard.views.export import session_export

router = Router(tags=["reading"])


class Format(StrEnum):
    JSONL = "jsonl"
    MD = "md"
    HTML = "html"
    CSV = "csv"


class ExportQuery(Schema):
    format: Format = Field(Format.JSONL, description="jsonl is lossless, and what import takes.")


@router.get("/sessions/{session_id}/export", auth=READ, summary="Export a session")
async def export_session(request: HttpRequest, session_id: Id, query: Query[ExportQuery]) -> StreamingHttpResponse:
    """A file, as the session's page offers it. One that breaks off does not look like a whole one."""
    check_parameters(request, ExportQuery)
    return await session_export(request, check_id(session_id, field="session_id"))
