"""The rest of the internet, for a browser that has it as its proxy: it notes what it is asked for, and has nothing."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Chromium asks its maker about forms and the like, whatever page it shows. No payload turns to these.
OF_THE_BROWSER = re.compile(r"^CONNECT [\w.-]+\.(googleapis|google|gvt1)\.com:443$")


class Elsewhere(ThreadingHTTPServer):
    """Stands where playwright's routes could: but those are asked for the site's own files too, and switch its cache off."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Nothing)
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Nothing(BaseHTTPRequestHandler):
    server: Elsewhere

    def parse_request(self) -> bool:
        """Whatever the method: GET of an address, or CONNECT to a host that is to be spoken to in secret."""
        if super().parse_request():
            self._note(f"{self.command} {self.path}")
            self.send_response(403 if self.command == "CONNECT" else 204)  # 204: a page that asked to be led away stays
            self.end_headers()
        self.close_connection = True
        return False

    def _note(self, request: str) -> None:
        if not OF_THE_BROWSER.match(request):
            self.server.asked.append(request)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def elsewhere_running() -> Iterator[Elsewhere]:
    with Elsewhere() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
