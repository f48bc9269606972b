"""Live connections are written to at once. Twisted has a write wait until the event loop says that the system has room for it.

It nearly always has; asking changes twice what the loop watches and takes a turn of it: more than all the rest of a frame. And
whoever is served first does not wait until the frames of all the others are made.
"""

from __future__ import annotations

from twisted.internet.tcp import Server


class PromptTransport(Server):
    """Attributes:
    is_prompt: whether it is. An ordinary answer is written in pieces, which Twisted puts together: that saves packets.
    """

    is_prompt = False
    _is_waiting = False

    def startWriting(self) -> None:  # noqa: N802  # Twisted's name
        if self.is_prompt and self._tempDataLen and not self._is_waiting:
            self.doWrite()  # type: ignore[no-untyped-call]  # what fails here fails again in the event loop, which then ends it
            if not self.dataBuffer:
                return
        self._is_waiting = True
        super().startWriting()  # type: ignore[no-untyped-call]  # Twisted's own types are incomplete

    def stopWriting(self) -> None:  # noqa: N802  # Twisted's name
        if self._is_waiting:
            self._is_waiting = False
            super().stopWriting()  # type: ignore[no-untyped-call]  # as above
