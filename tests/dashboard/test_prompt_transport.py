"""Live connections are written to at once, and lose nothing where the system takes less than everything."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.protocol import Protocol

from dashboard.prompt_transport import PromptTransport

Pair = tuple[Any, socket.socket]  # a transport, whose types are incomplete, and the other end


class Loop:
    """What an event loop is asked to watch."""

    def __init__(self) -> None:
        self.writers: set[Any] = set()
        self.asked = 0

    def addWriter(self, writer: Any) -> None:  # noqa: N802  # Twisted's name
        self.writers.add(writer)
        self.asked += 1

    def removeWriter(self, writer: Any) -> None:  # noqa: N802  # Twisted's name
        self.writers.discard(writer)

    def addReader(self, _: Any) -> None:  # noqa: N802  # Twisted's name
        """Nobody sends anything here."""

    removeReader = addReader  # noqa: N815  # Twisted's name


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def pair(loop: Loop) -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    theirs.settimeout(5)
    make: Any = PromptTransport
    made = make(ours, Protocol(), ("", 0), None, 0, loop)
    made.is_prompt = True
    yield made, theirs
    ours.close()
    theirs.close()


def test_what_the_system_takes_is_sent_at_once(pair: Pair, loop: Loop) -> None:
    ours, theirs = pair
    ours.write(b"a frame")
    ours.writeSequence([b", and ", b"another"])
    assert theirs.recv(100) == b"a frame, and another"
    assert loop.asked == 0


def test_what_the_system_does_not_take_waits_its_turn(pair: Pair, loop: Loop) -> None:
    ours, theirs = pair
    sent = b"".join(b"%07d," % number for number in range(500_000))
    for start in range(0, len(sent), 100_000):
        ours.write(sent[start : start + 100_000])
    assert loop.writers == {ours}
    received = bytearray()
    while len(received) < len(sent):
        received += theirs.recv(1_000_000)
        for writer in tuple(loop.writers):
            writer.doWrite()
    assert received == sent
    assert not loop.writers
    ours.write(b"at once again")
    assert theirs.recv(100) == b"at once again"
    assert not loop.writers


def test_a_connection_that_is_to_be_closed_is_left_to_the_event_loop(pair: Pair, loop: Loop) -> None:
    ours, _ = pair
    ours.write(b"the last words")
    ours.loseConnection()
    assert loop.writers == {ours}


def test_an_ordinary_answer_is_put_together_first(pair: Pair, loop: Loop) -> None:
    ours, theirs = pair
    ours.is_prompt = False
    ours.write(b"head, ")
    ours.write(b"body")
    theirs.setblocking(False)
    with pytest.raises(BlockingIOError):
        theirs.recv(100)
    ours.doWrite()
    assert theirs.recv(100) == b"head, body"


def test_a_connection_that_broke_is_left_to_the_event_loop(pair: Pair, loop: Loop) -> None:
    ours, theirs = pair
    theirs.close()
    ours.write(b"to nobody")
    assert loop.writers == {ours}
    assert isinstance(ours.doWrite(), Exception)
