from __future__ import annotations

import asyncio
import logging

import pytest

from chatlog.domain.charges import measure_charges, note_charge


async def test_what_tasks_cost_counts_for_the_block_that_began_them() -> None:
    with measure_charges("outer") as outer:
        note_charge("read", 1)
        with measure_charges("inner") as inner:
            await asyncio.gather(*(_read() for _ in range(3)))
    note_charge("read", 1)
    assert (outer.units, outer.calls) == (7, {"read": 4})
    assert (inner.units, inner.calls) == (6, {"read": 3})


async def _read() -> None:
    await asyncio.sleep(0)
    note_charge("read", 2)


def test_a_block_says_what_it_cost_even_if_it_failed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="chatlog.charges")
    with pytest.raises(ValueError, match="broken"), measure_charges("GET /"):
        note_charge("query", 2.831)
        note_charge("read", 1)
        raise ValueError("broken")
    with measure_charges("nothing"):
        pass
    assert [record.getMessage() for record in caplog.records] == ["GET /: 3.83 RU (1 query, 1 read)"]
