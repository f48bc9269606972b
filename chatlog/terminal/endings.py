"""How commands end.

Exit status 0: done. 1: something was left out, and named. 2: it could not be done. 129: its terminal has gone. 130: stopped
with Ctrl-C. 141: whoever read the output has gone. 143: asked to end (SIGTERM). A shell says the last four of any program that
such a signal ended.
"""

from __future__ import annotations

DONE = 0
LEFT_OUT = 1
IMPOSSIBLE = 2
HUNG_UP = 129
STOPPED = 130
READER_GONE = 141
TERMINATED = 143


class Ending(Exception):
    """The command ends here.

    Args:
        text: one line that says why and what to do; empty where nothing has to be said.
        status: the exit status.
    """

    def __init__(self, text: str, *, status: int) -> None:
        super().__init__(text)
        self.text = text
        self.status = status
