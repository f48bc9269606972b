"""How much throughput to reserve: decided from what was refused and used lately, slowly downwards, never to and fro.

Up at once: work that is refused is work that waits. Down only after a quiet stretch, and after one that proved too short, only
after one twice as long: a load that comes and goes ends up with what it needs when it is there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

# Source of these: https://learn.microsoft.com/azure/cosmos-db/concepts-limits#minimum-throughput-limits
LOWEST_MANUAL, STEP_MANUAL = 400, 100
LOWEST_AUTOSCALE, STEP_AUTOSCALE = 1_000, 1_000
HIGHEST = 1_000_000

BETWEEN_CHANGES = timedelta(minutes=10)
# A shorter look says little, after a longer one nobody knows when it was that something happened.
SHORTEST_LOOK, LONGEST_LOOK = timedelta(minutes=5), timedelta(hours=1)

# Up to 5 % of requests refused and repeated is no harm to most; from 1 % on somebody may notice. Source:
# https://learn.microsoft.com/azure/cosmos-db/nosql/troubleshoot-request-rate-too-large
SHORT_SHARE = 0.01
# The more is refused, the larger the step: share of the requests, and what the throughput is multiplied by.
FACTORS = ((0.30, 4.0), (0.10, 2.0), (SHORT_SHARE, 1.5))
FEWEST_REFUSED = 5
# Of the throughput, on average. Seconds differ: at seven tenths some are short, below a third hardly any.
SHORT_USE, TARGET_USE, QUIET_USE = 0.70, 0.50, 0.35
QUIET_SHARE = 0.001
# Less of a change is not worth one.
WORTH_LOWERING = 0.8

FIRST_PATIENCE, LONGEST_PATIENCE = timedelta(hours=1), timedelta(hours=24)
# Having to go up again so soon after going down shows that it was not quiet for good.
REGRET_WITHIN = timedelta(hours=6)


class OfferKind(StrEnum):
    """How an account reserves throughput."""

    MANUAL = "manual"
    AUTOSCALE = "autoscale"
    SERVERLESS = "serverless"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Offer:
    """What is reserved now.

    Attributes:
        throughput: RU/s; with autoscale the highest it goes to; 0 where there is nothing to set.
        is_shared: it belongs to the database, and containers besides ours may live on it.
    """

    kind: OfferKind
    throughput: int = 0
    is_shared: bool = False

    @property
    def step(self) -> int:
        """What it may be a multiple of."""
        return STEP_AUTOSCALE if self.kind is OfferKind.AUTOSCALE else STEP_MANUAL

    def __str__(self) -> str:
        how = "autoscale up to " if self.kind is OfferKind.AUTOSCALE else ""
        return f"{how}{self.throughput:,} RU/s{' of the database, shared by its containers' if self.is_shared else ''}"


@dataclass(frozen=True, slots=True)
class Load:
    """What went on since the last look."""

    seconds: float
    requests: int = 0
    refused: int = 0
    units: float = 0.0

    @property
    def refused_share(self) -> float:
        """Of the requests, those that were refused for want of throughput."""
        return self.refused / self.requests if self.requests else 0.0

    @property
    def per_second(self) -> float:
        """Request units used in a second, on average."""
        return self.units / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Memory:
    """What one look leaves for the next.

    Attributes:
        changed_at: when it was changed last.
        fell_from: what it was lowered from then; 0 if it was raised.
        quiet_since, quiet_peak: since when hardly anything went on, and the most RU/s there were in it.
        patience: how long it has to be quiet before it goes down.
        regretted_at: when that was last found to be too short.
        floor: the lowest value that the service is known to accept; 0 if it has not said.
    """

    changed_at: datetime | None = None
    fell_from: int = 0
    quiet_since: datetime | None = None
    quiet_peak: float = 0.0
    patience: timedelta = FIRST_PATIENCE
    regretted_at: datetime | None = None
    floor: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do. `target` is `None` to leave everything as it is."""

    target: int | None
    reason: str


def decide(
    offer: Offer, load: Load | None, *, running: int, memory: Memory, maximum: int, now: datetime
) -> tuple[Decision, Memory]:
    """What to do about the offer, and what to remember if that is done.

    Args:
        load: `None` if nobody has looked for a while.
        running: sessions in which somebody speaks at present.
        maximum: RU/s that somebody is ready to pay for.
    """
    if offer.kind is OfferKind.SERVERLESS:
        return Decision(None, "A serverless account has no throughput to set: it charges what is used."), memory
    if offer.kind is OfferKind.NONE:
        return Decision(None, "Neither the container nor its database has throughput of its own to set."), memory
    if load is None:
        memory = replace(memory, quiet_since=None, quiet_peak=0.0)
        return Decision(None, f"Left at {offer}: this is the first look for a while, the next one can compare."), memory
    memory = _after(memory, load, offer, now)
    if memory.changed_at is not None and abs(now - memory.changed_at) < BETWEEN_CHANGES:
        minutes = max(0, int((now - memory.changed_at).total_seconds() // 60))
        return Decision(None, f"Left at {offer}: it was changed {minutes} min ago, and is at most once in ten minutes."), memory
    if shortage := _shortage(offer, load, running):
        return _raise(offer, load, shortage, memory=memory, maximum=maximum, now=now)
    return _lower(offer, running, memory, now)


def _after(memory: Memory, load: Load, offer: Offer, now: datetime) -> Memory:
    if load.refused_share >= QUIET_SHARE or load.per_second > QUIET_USE * offer.throughput:
        return replace(memory, quiet_since=None, quiet_peak=0.0)
    since = memory.quiet_since or now - timedelta(seconds=load.seconds)
    return replace(memory, quiet_since=since, quiet_peak=max(memory.quiet_peak, load.per_second))


def _shortage(offer: Offer, load: Load, running: int) -> str:
    if load.refused >= FEWEST_REFUSED and load.refused_share >= SHORT_SHARE:
        return f"{load.refused_share:.1%} of {load.requests:,} requests were refused for want of throughput"
    if running and load.per_second >= SHORT_USE * offer.throughput:
        return f"sessions that run now use {load.per_second:,.0f} RU/s"
    return ""


def _raise(offer: Offer, load: Load, shortage: str, *, memory: Memory, maximum: int, now: datetime) -> tuple[Decision, Memory]:
    highest = min(maximum, HIGHEST) // offer.step * offer.step
    if offer.throughput >= highest:
        reason = f"Left at {offer}: {shortage}, but CHATLOG_MAX_THROUGHPUT={maximum} allows no more."
        return Decision(None, reason), memory
    factor = next((factor for share, factor in FACTORS if load.refused_share >= share), FACTORS[-1][1])
    wanted = max(offer.throughput * factor, load.per_second / TARGET_USE)
    if memory.changed_at is not None and memory.fell_from and now - memory.changed_at < REGRET_WITHIN:
        wanted = max(wanted, memory.fell_from)  # that much was right before
        memory = replace(memory, patience=min(memory.patience * 2, LONGEST_PATIENCE), regretted_at=now)
    target = min(highest, _up_to_step(wanted, offer.step))
    memory = replace(memory, changed_at=now, fell_from=0, quiet_since=None, quiet_peak=0.0)
    return Decision(target, f"Raised from {offer} to {target:,} RU/s: {shortage}."), memory


def _lower(offer: Offer, running: int, memory: Memory, now: datetime) -> tuple[Decision, Memory]:
    since = memory.quiet_since
    if since is None:
        return Decision(None, f"Left at {offer}: it is used, and suffices."), memory
    if offer.is_shared:
        return Decision(None, f"Left at {offer}: we use little of it, but others may need it."), memory
    if memory.regretted_at is not None and now - memory.regretted_at >= LONGEST_PATIENCE:
        memory = replace(memory, patience=FIRST_PATIENCE, regretted_at=None)
    lowest = max(LOWEST_AUTOSCALE if offer.kind is OfferKind.AUTOSCALE else LOWEST_MANUAL, memory.floor)
    # While somebody speaks, half is enough at a time.
    wanted = max(memory.quiet_peak / TARGET_USE, lowest, offer.throughput / 2 if running else 0.0)
    target = _up_to_step(wanted, offer.step)
    if target > WORTH_LOWERING * offer.throughput:
        return Decision(None, f"Left at {offer}: hardly used, but less would be too little or is not allowed."), memory
    quiet, patience = now - since, memory.patience * (2 if running else 1)  # over lunch, nothing falls
    if quiet < patience:
        return Decision(None, f"Left at {offer}: quiet for {_minutes(quiet)} min of {_minutes(patience)}."), memory
    reason = f"Lowered from {offer} to {target:,} RU/s: quiet for {_minutes(quiet)} min, {memory.quiet_peak:,.0f} RU/s at most."
    memory = replace(memory, changed_at=now, fell_from=offer.throughput, quiet_since=None, quiet_peak=0.0)
    return Decision(target, reason), memory


def _up_to_step(value: float, step: int) -> int:
    return ceil(value / step) * step


def _minutes(time: timedelta) -> int:
    return int(time.total_seconds() // 60)
