"""`python -m benchmarks [NAME…]`: measures and prints. Ratios of one run on one machine; never part of the tests."""

from __future__ import annotations

import sys
from importlib import import_module

NAMES = ("saving", "client", "adapters", "searching", "browsing", "usage", "usage_page", "live", "http_api", "spans", "startup")


def main(wanted: list[str]) -> int:
    unknown = set(wanted) - set(NAMES)
    if unknown:
        print(f"No benchmark is called {', '.join(sorted(unknown))}. There are: {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    reports = []
    for name in wanted or NAMES:
        reports.append(import_module(f"benchmarks.{name}").measure())
        reports[-1].print()
    short = [claim.name for report in reports for claim in report.claims if not claim.holds]
    print(f"\n{sum(len(report.claims) for report in reports) - len(short)} claims hold, {len(short)} fall short.")
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
