"""The program, which gets a signal when it has just read for the second time: … stopped_program NUMBER COMMAND ARGUMENT …"""

from __future__ import annotations

import os
import signal
import sys

from chatlog.terminal.lines import LineReader
from chatlog.terminal.main import main

READ = os.read
CHUNKS = iter(range(1, 1_000_000))


def read(descriptor: int, size: int) -> bytes:
    chunk = READ(descriptor, size)
    if sys._getframe(1).f_code is LineReader._read_chunk.__code__ and next(CHUNKS) == 2:
        signal.raise_signal(int(sys.argv[1]))
    return chunk


if __name__ == "__main__":
    os.read = read
    sys.exit(main(sys.argv[2:]))
