"""Runs a program that ends when whoever started it does, however that ends: python -m dashboard.demo.attached MODULE ARGUMENT…

Its standard input is a pipe that the starter holds open and writes nothing to. Also after a kill -9 of the starter the system
closes it, and this asks the program to stop as a supervisor would.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def main() -> None:
    """Watch the pipe beside the program."""
    threading.Thread(target=_stop_at_end_of_input, name="demo-attached", daemon=True).start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _stop_at_end_of_input() -> None:
    # os.read and not sys.stdin: a thread that holds a buffer's lock makes the interpreter abort as it ends.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
