"""What a payload would do if it ran, and where it would turn to."""

from __future__ import annotations

RUN = "top.pwned=(top.pwned||0)+1"  # no quote, no space: fits everywhere
ELSEWHERE = "evil.example"
