"""`python -m chatlog`: the program `chatlog`, where it is not on the path."""

from __future__ import annotations

import sys

from chatlog.terminal.main import main

sys.exit(main())
