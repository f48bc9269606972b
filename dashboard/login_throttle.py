"""Slows the guessing of passwords: failed logins are counted for each client address, with and without the name tried.

Counts are kept in this process's cache: with several processes behind a balancer, the limits hold for each of them.
"""

from __future__ import annotations

import hashlib
import time

from django.core.cache import cache

WINDOW_SECONDS = 60
FAILURES_PER_NAME = 10
# One address may be an office or a proxy with many people behind it.
FAILURES_PER_ADDRESS = 50


class LoginThrottle:
    def __init__(self, *, address: str, name: str) -> None:
        window = int(time.time() // WINDOW_SECONDS)
        self._limits = {
            _key(window, address): FAILURES_PER_ADDRESS,
            _key(window, address, name.casefold()): FAILURES_PER_NAME,
        }

    def is_exhausted(self) -> bool:
        counts = cache.get_many(self._limits)
        return any(counts.get(key, 0) >= limit for key, limit in self._limits.items())

    def record_failure(self) -> None:
        for key in self._limits:
            cache.add(key, 0, timeout=WINDOW_SECONDS * 2)
            cache.incr(key)


def _key(window: int, *parts: str) -> str:
    # Hashed: a name may be long or hold characters that a cache key may not.
    return f"login-failures.{window}." + hashlib.sha256("\0".join(parts).encode()).hexdigest()
