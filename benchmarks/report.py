"""How figures are told: the ratio that is claimed, what it was made from, and whether it holds on this run."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Claim:
    """One promise about speed or size, as measured in this run."""

    name: str
    value: float
    limit: float
    unit: str = ""
    at_least: bool = True
    made_from: str = ""

    @property
    def holds(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def line(self) -> str:
        sign = "≥" if self.at_least else "≤"
        verdict = "holds" if self.holds else "FALLS SHORT"
        figures = f"{self.value:>9.4g}{self.unit:<3} {sign} {self.limit:g}{self.unit:<3}"
        return f"  {self.name:<60} {figures} {verdict:<12} {self.made_from}"


@dataclass(slots=True)
class Report:
    """What one benchmark has to say."""

    title: str
    claims: list[Claim] = field(default_factory=list)

    def print(self) -> None:
        print(f"\n{self.title}")
        for claim in self.claims:
            print(claim.line())


def percentile(values: list[float], percent: float) -> float:
    """The smallest value that at least `percent` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
