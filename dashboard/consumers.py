"""The sockets of live pages: who may come in, what they may say, and which feed they are handed to."""

from __future__ import annotations

import json
import logging
import re
from typing import Any
from urllib.parse import parse_qs

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.core.exceptions import TooManyFieldsSent
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _

from chatlog.domain.filters import EVERYTHING, SessionFilter
from chatlog.domain.ids import check_id
from chatlog.errors import InvalidId
from dashboard import fragments
from dashboard.feeds import hub
from dashboard.feeds.viewer import Viewer
from dashboard.list_filters import MAX_FILTER_BYTES, read_filter
from dashboard.locale import ViewerLocale
from dashboard.sockets import codes, registry
from dashboard.sockets.registry import OpenSocket

logger = logging.getLogger(__name__)
MAX_INBOUND_CHARACTERS = 1024
MAX_QUERY_BYTES = 1024
MOST_REASON_BYTES = 123  # of a close frame, says the protocol


class Refused(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class LiveSocket(AsyncWebsocketConsumer):
    """A socket that belongs to a login and is fed by `self.viewer`. It accepts first and refuses afterwards, with a code:

    a browser does not learn why a connection was not accepted, and would try again for ever.
    """

    # Hints come to the process, not to each socket: a consumer without a layer costs no channel.
    channel_layer_alias = ""

    viewer: Viewer | None = None
    _open_socket: OpenSocket | None = None
    _is_dismissed = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:  # also when the server cancels us without a word
            self._leave()

    async def dispatch(self, message: dict[str, Any]) -> None:
        # Channels' own looks after database connections each time; nothing here holds one.
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def connect(self) -> None:
        await self.accept()
        scope: Any = self.scope  # with what the gate put in
        self.locale: ViewerLocale = scope["locale"]
        try:
            with self.locale.activate():
                self._enter()
        except Refused as refused:
            await self.dismiss(refused.code, str(refused))

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """The only thing a page says: `{"received": <last sequence>}`."""
        if self.viewer is None or self._is_dismissed:
            return  # on its way out
        sequence = _read_acknowledgement(text_data)
        if sequence is None:
            await self.dismiss(codes.BAD_REQUEST, 'Only {"received": <last sequence>} can be sent here.')
        else:
            self.viewer.acknowledge(sequence)

    async def dismiss(self, code: int, text: str | Promise) -> None:
        """Say why, then close. daphne sends no reason with a close code, so the words go ahead."""
        if self._is_dismissed:
            return
        self._is_dismissed = True
        try:
            with self.locale.activate():
                words = str(text)  # whoever closes us may speak another language
                frame = fragments.trouble_frame(words)
            if code != codes.GOING_DOWN:  # the page is back before anybody has read why
                await self.send(text_data=frame)
            await self.close(code=code, reason=words.encode()[:MOST_REASON_BYTES].decode(errors="ignore"))
        except Exception as error:  # servers differ in what they raise for a connection that is gone: nobody is left to be told
            logger.info("A live connection was gone before it was closed (%s: %s).", type(error).__name__, error)
        finally:
            self._leave()

    def make_viewer(self) -> Viewer:
        raise NotImplementedError

    def start_watching(self, viewer: Viewer) -> None:
        raise NotImplementedError

    def stop_watching(self, viewer: Viewer) -> None:
        raise NotImplementedError

    def _enter(self) -> None:
        sockets = registry.current.get()
        if sockets.is_closing:
            raise Refused(codes.GOING_DOWN, _("The server stops."))
        user: Any = self.scope["user"]
        if not user.is_authenticated:
            raise Refused(codes.LOGGED_OUT, _("Log in to watch."))
        if not sockets.has_room_for(user.pk):
            raise Refused(codes.TOO_MANY, _("Too many live pages are open. Close some, then reload this one."))
        session: Any = self.scope["session"]
        viewer = self.make_viewer()
        self._open_socket = OpenSocket(user.pk, session.session_key, session[HASH_SESSION_KEY], self.dismiss)
        sockets.add(self._open_socket)
        self.viewer = viewer
        self.start_watching(viewer)

    def _leave(self) -> None:
        if self.viewer is not None and self._open_socket is not None:
            self.stop_watching(self.viewer)
            registry.current.get().remove(self._open_socket)
        self.viewer = self._open_socket = None


class SessionConsumer(LiveSocket):
    """`/ws/sessions/<id>/?after=<sequence>`: what comes after the last message the page has."""

    def make_viewer(self) -> Viewer:
        try:
            check_id(self._session_id, field="session_id")
        except InvalidId as error:
            raise Refused(codes.BAD_REQUEST, str(error)) from error
        cursor = _read_cursor(self.scope["query_string"])
        return Viewer(send=self.base_send, close=self.dismiss, locale=self.locale, cursor=cursor)

    def start_watching(self, viewer: Viewer) -> None:
        hub.current.get().watch_session(self._session_id, viewer)

    def stop_watching(self, viewer: Viewer) -> None:
        hub.current.get().leave_session(self._session_id, viewer)

    @property
    def _session_id(self) -> str:
        session_id: str = self.scope["url_route"]["kwargs"]["session_id"]
        return session_id


class SessionListConsumer(LiveSocket):
    """`/ws/sessions/?<filters>`: the first page of the list that the same filters show at `/`."""

    _where: SessionFilter = EVERYTHING

    def make_viewer(self) -> Viewer:
        self._where = _read_where(self.scope["query_string"])
        viewer = Viewer(send=self.base_send, close=self.dismiss, locale=self.locale)
        if not hub.current.get().has_room_for_list(self._where, viewer):
            raise Refused(codes.TOO_MANY, _("The list is followed under too many different filters. Reload the page later."))
        return viewer

    def start_watching(self, viewer: Viewer) -> None:
        hub.current.get().watch_list(self._where, viewer)

    def stop_watching(self, viewer: Viewer) -> None:
        hub.current.get().leave_list(self._where, viewer)


class WallConsumer(LiveSocket):
    """`/ws/live/`: the wall."""

    def make_viewer(self) -> Viewer:
        return Viewer(send=self.base_send, close=self.dismiss, locale=self.locale)

    def start_watching(self, viewer: Viewer) -> None:
        hub.current.get().watch_wall(viewer)

    def stop_watching(self, viewer: Viewer) -> None:
        hub.current.get().leave_wall(viewer)


class UnknownSocket(LiveSocket):
    """Any other address."""

    def make_viewer(self) -> Viewer:
        raise Refused(codes.NOT_FOUND, _("There is nothing live at this address."))


def _read_cursor(query_string: bytes) -> int:
    values = parse_qs(query_string[:MAX_QUERY_BYTES].decode("latin-1")).get("after", ["0"])
    # Sixteen digits hold 2**53 - 1, the highest sequence there can be; int() of a very long number would take its time.
    if len(values) != 1 or not re.fullmatch(r"[0-9]{1,16}", values[0]):
        raise Refused(codes.BAD_REQUEST, _("after=%(value)s is no message number.") % {"value": repr(values[0][:40])})
    return int(values[0])


def _read_where(query_string: bytes) -> SessionFilter:
    if len(query_string) > MAX_FILTER_BYTES:
        sizes = {"count": f"{len(query_string):,}", "limit": f"{MAX_FILTER_BYTES:,}"}
        raise Refused(codes.BAD_REQUEST, _("The filters have %(count)s bytes; the limit is %(limit)s.") % sizes)
    try:
        params = QueryDict(query_string)
    except TooManyFieldsSent as error:  # behind a page it is Django that answers
        limit = {"limit": f"{settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:,}"}
        raise Refused(codes.BAD_REQUEST, _("There are more filters than %(limit)s.") % limit) from error
    wanted = read_filter(params, zone=get_current_timezone())
    if wanted.problems:
        raise Refused(codes.BAD_REQUEST, " ".join(wanted.problems))
    return wanted.where


def _read_acknowledgement(text: str | None) -> int | None:
    if text is None or len(text) > MAX_INBOUND_CHARACTERS:
        return None
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    sequence = message.get("received") if isinstance(message, dict) else None
    return sequence if isinstance(sequence, int) and not isinstance(sequence, bool) and sequence >= 0 else None
