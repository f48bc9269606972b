"""The `async with` around runs of frameworks that tell whoever asks what their agents do."""

from __future__ import annotations

from types import TracebackType
from typing import Generic, Protocol, TypeVar

from chatlog.integrations.run import RecordedRun

Given_co = TypeVar("Given_co", covariant=True)


class Hearer(Protocol):
    """What a framework tells what its agents do: hooks, callbacks or middleware. It passes that on to a `RecordedRun`."""

    def unfinished(self) -> BaseException | None:
        """Why the last run did not come to its end: its error, or `GeneratorExit` if it was left early; `None` if it did."""


class RecordedBlock(Generic[Given_co]):
    """The block in which runs are recorded: any number of them, which are one discussion.

    The runs never wait for the store and never fail because of it. Leaving the block completes the session; an exception marks
    it failed; a cancellation, or a last run that did not come to its end, cancelled.

    Args:
        run: what records.
        hearer: what hears the framework.
        given: what `async with` gives, in the form in which the framework takes it.
    """

    def __init__(self, run: RecordedRun, *, hearer: Hearer, given: Given_co) -> None:
        self._run = run
        self._hearer = hearer
        self._given = given

    async def __aenter__(self) -> Given_co:
        self._run.begin()
        return self._given

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._run.tell(await self._run.end(error or self._hearer.unfinished()))
