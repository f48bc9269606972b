from __future__ import annotations

from datetime import date

from chatlog.domain.ledger import LedgerDay, RequestFigures, Takings, add_up

TODAY, TOMORROW = date(2026, 11, 24), date(2026, 11, 25)
READ = RequestFigures(count=1, units=1.0, throttled=0, seconds=0.5)


def test_figures_add_up_by_their_kind() -> None:
    refused = RequestFigures(count=1, throttled=1)
    assert add_up({"read": READ, "query": READ}, {"read": refused}, {}) == {
        "read": RequestFigures(count=2, units=1.0, throttled=1, seconds=0.5),
        "query": READ,
    }
    assert LedgerDay(TODAY, {"read": READ, "query": READ}).total == READ + READ


def test_what_was_sent_is_sent_again_as_it_was_until_it_has_arrived() -> None:
    takings = Takings()
    takings.note(TODAY, "read", READ)
    sent = takings.send(TODAY)
    takings.note(TODAY, "read", READ)
    assert takings.send(TODAY) == sent == takings.on_the_way(TODAY)
    assert sent is not None
    assert sent.operations == takings.unsent(TODAY) == {"read": READ}
    takings.settle(TODAY)
    again = takings.send(TODAY)
    assert again is not None
    assert (again.operations, again.mark == sent.mark) == ({"read": READ}, False)
    takings.settle(TODAY)
    assert (takings.send(TODAY), takings.days, takings.units) == (None, [], 0)


def test_each_day_has_its_own() -> None:
    takings = Takings()
    for day in (TOMORROW, TODAY):
        takings.note(day, "read", READ)
    takings.send(TODAY)
    assert takings.days == [TODAY, TOMORROW]
    assert takings.units == 1


def test_two_connections_never_use_the_same_mark() -> None:
    marks = set()
    for _ in range(2):
        takings = Takings()
        takings.note(TODAY, "read", READ)
        entry = takings.send(TODAY)
        assert entry is not None
        marks.add(entry.mark)
    assert len(marks) == 2
