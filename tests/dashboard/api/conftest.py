from __future__ import annotations

from tests.dashboard.programs.conftest import make_program, program

__all__ = ["make_program", "program"]
