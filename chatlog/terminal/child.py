"""A program that is run so that what it writes can be read line by line."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from chatlog.terminal.endings import IMPOSSIBLE, Ending

STOP_SECONDS = 5.0


class Child:
    """Runs in the block, and no longer: what is left of it then is asked to end, and killed if it does not.

    Attributes:
        output: the end of a pipe that it writes to.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command

    async def __aenter__(self) -> Self:
        """Start it. Raises `Ending` if the system refuses."""
        self.output, write_end = os.pipe()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdout=write_end,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},  # Python would keep its lines to itself until there are many
            )
        except OSError as error:
            os.close(self.output)
            raise Ending(f"{self._command[0]!r} cannot be run: {error.strerror}.", status=IMPOSSIBLE) from error
        finally:
            os.close(write_end)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self.output)
        if self._process.returncode is None:
            await self._stop()

    async def end(self) -> tuple[int, str]:
        """Wait for its end: the status that a shell would tell, and the same in words."""
        status = await self._process.wait()
        if status < 0:
            return 128 - status, f"killed by {signal.Signals(-status).name}"
        return status, f"exit status {status}"

    async def _stop(self) -> None:
        self._process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
