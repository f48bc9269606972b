"""How long, how often and how much: the numbers of the Cosmos DB store, each with its source."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """Limits of one store. The defaults are meant for every use; tests shorten them.

    Attributes:
        attempt_seconds: one request to the service; the SDK's own limits do not interrupt one that hangs.
        total_seconds: one call of ours with all its attempts and pauses, so that no caller waits 10 s for a service that hangs.
        attempts: requests for one call at most; 429 and lost replies alike.
        first_pause, longest_pause: seconds; a pause is drawn from 0 up to a bound that doubles between these two.
        turns: how often a number may be lost to another writer before the save gives up.
        figures_seconds: how far count and last time of a session may lag behind while someone writes.
        idle_seconds: how long a writer without work is kept in memory.
        ledger_seconds: how often what was charged is written down; `None` keeps no ledger.
        ledger_units: so much is worth an entry, which costs a tenth of it; less waits up to `ledger_patience` times as long.
        closing_seconds: how long the last entry may hold up the end.
        batches_are_atomic: `None` means on the service, and not trusted on the local servers that stand in for it.
    """

    attempt_seconds: float = 4.0
    total_seconds: float = 9.0
    attempts: int = 8
    first_pause: float = 0.05
    longest_pause: float = 2.0
    turns: int = 200
    figures_seconds: float = 1.0
    idle_seconds: float = 60.0
    ledger_seconds: float | None = 60.0
    ledger_units: float = 100.0
    ledger_patience: int = 10
    closing_seconds: float = 2.0
    batches_are_atomic: bool | None = None


# Source of both: https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-request-limits
# 2 MB is the limit of a request; its envelope and 5 % are left free.
MAX_BATCH_OPERATIONS = 100
MAX_BATCH_BYTES = 1_900_000
# What the SDK asks for itself where nothing else is said; a page may always be smaller.
MAX_PAGE_SIZE = 1_000
# Point reads, patches and deletes on the way together; as many as a laptop's connection pool is happy with.
MOST_AT_ONCE = 16
# How many candidates one step of a search looks at before it hands out what it has.
MOST_CANDIDATES = 1_000
# How many such steps one page of hits may take; then it comes with less than was asked for, and a cursor.
MOST_STEPS = 5
# How many sessions a search under a status or tag names to the service; under more, it looks at every candidate's session.
MOST_NAMED_SESSIONS = 200
