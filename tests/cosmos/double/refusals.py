"""How the service says no."""

from __future__ import annotations


class Refusal(Exception):
    """An answer with an error status."""

    def __init__(self, status: int, message: str, *, sub_status: int | None = None, retry_after_ms: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.sub_status = sub_status
        self.retry_after_ms = retry_after_ms
