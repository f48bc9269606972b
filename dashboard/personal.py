"""What belongs to one person: the sessions they starred, and how far they have read each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from django.contrib.auth.models import User
from django.http import HttpRequest

from dashboard.models import ReadMark, Star


async def get_person(request: HttpRequest) -> User:
    """Whoever is logged in. Only for pages that nobody else can open, which is every page of a person."""
    return cast("User", await request.auser())


async def list_starred(user: User) -> list[str]:
    """The ids of the sessions that somebody starred, the last one first."""
    stars = Star.objects.filter(user=user).order_by("-created_at", "-id")
    return [session_id async for session_id in stars.values_list("session_id", flat=True)]


async def find_starred_by_anyone(session_ids: Sequence[str]) -> set[str]:
    """Which of these sessions retention leaves alone."""
    stars = Star.objects.filter(session_id__in=session_ids)
    return {session_id async for session_id in stars.values_list("session_id", flat=True)}


async def set_star(user: User, session_id: str, *, is_starred: bool) -> None:
    """Star a session, or take the star off. Doing it twice changes nothing."""
    if is_starred:
        await Star.objects.aget_or_create(user=user, session_id=session_id)
    else:
        await Star.objects.filter(user=user, session_id=session_id).adelete()


async def find_marks(user: User, session_ids: Iterable[str]) -> dict[str, int]:
    """How far somebody has read the sessions, as the sequence of the last remark they saw; without those never opened."""
    marks = ReadMark.objects.filter(user=user, session_id__in=list(session_ids))
    return {session_id: sequence async for session_id, sequence in marks.values_list("session_id", "sequence")}


async def note_read(user: User, session_id: str, sequence: int) -> None:
    """Somebody has read a session up to a remark. A mark only grows: an older page that is still open takes nothing back."""
    mark, is_new = await ReadMark.objects.aget_or_create(user=user, session_id=session_id, defaults={"sequence": sequence})
    if not is_new:
        await ReadMark.objects.filter(pk=mark.pk, sequence__lt=sequence).aupdate(sequence=sequence)
