from __future__ import annotations

import asyncio

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from chatlog.storage.base import SessionStore
from dashboard import personal
from dashboard.models import ReadMark, Star
from dashboard.session_rows import NOBODY, PersonalView
from tests.factories import make_drafts, make_session

ALL = ["one", "two", "three", "four"]


@pytest.fixture
async def other(user: User) -> User:
    return await User.objects.acreate_user("bob", password="a long enough secret")


# -- stars ----------------------------------------------------------------------------------------------------------------


async def test_a_star_is_set_and_taken_off(user: User) -> None:
    await personal.set_star(user, "one", is_starred=True)
    assert await personal.list_starred(user) == ["one"]
    await personal.set_star(user, "one", is_starred=False)
    assert await personal.list_starred(user) == []


@pytest.mark.parametrize("is_starred", [True, False])
async def test_doing_it_twice_changes_nothing(is_starred: bool, user: User) -> None:  # noqa: FBT001  # pytest's
    for _ in range(2):
        await personal.set_star(user, "one", is_starred=is_starred)
    assert await personal.list_starred(user) == ["one"] * is_starred
    assert await Star.objects.acount() == is_starred


async def test_two_clicks_at_once_set_one_star(user: User) -> None:
    await asyncio.gather(*(personal.set_star(user, "one", is_starred=True) for _ in range(8)))
    assert await Star.objects.acount() == 1


async def test_stars_are_listed_with_the_last_one_first(user: User) -> None:
    for session_id in ("one", "two", "three"):
        await personal.set_star(user, session_id, is_starred=True)
    await personal.set_star(user, "one", is_starred=True)  # has its star, and its place
    assert await personal.list_starred(user) == ["three", "two", "one"]


async def test_stars_of_the_same_moment_are_listed_in_the_order_they_were_set(user: User) -> None:
    for session_id in ("one", "two", "three"):
        await personal.set_star(user, session_id, is_starred=True)
    await Star.objects.aupdate(created_at=timezone.now())
    assert await personal.list_starred(user) == ["three", "two", "one"]


async def test_a_star_is_its_persons_own(user: User, other: User) -> None:
    await personal.set_star(user, "one", is_starred=True)
    await personal.set_star(other, "two", is_starred=True)
    await personal.set_star(other, "one", is_starred=False)
    assert await personal.list_starred(user) == ["one"]
    assert await personal.list_starred(other) == ["two"]


async def test_retention_leaves_alone_what_anyone_starred(user: User, other: User) -> None:
    assert await personal.find_starred_by_anyone(ALL) == set()
    for person, session_id in ((user, "one"), (user, "two"), (other, "two"), (other, "three")):
        await personal.set_star(person, session_id, is_starred=True)
    assert await personal.find_starred_by_anyone(ALL) == {"one", "two", "three"}
    await personal.set_star(user, "two", is_starred=False)
    assert "two" in await personal.find_starred_by_anyone(ALL)
    await personal.set_star(other, "two", is_starred=False)
    assert "two" not in await personal.find_starred_by_anyone(ALL)


@pytest.mark.parametrize("session_id", ["空間", "%", "a'b\"c", "x" * 255])
async def test_any_id_can_be_starred_and_read(session_id: str, user: User) -> None:
    await personal.set_star(user, session_id, is_starred=True)
    await personal.note_read(user, session_id, 1)
    assert await personal.list_starred(user) == [session_id]
    assert await personal.find_marks(user, [session_id]) == {session_id: 1}


# -- read marks -----------------------------------------------------------------------------------------------------------


async def test_a_mark_only_moves_forward(user: User) -> None:
    for sequence, mark in ((3, 3), (2, 3), (3, 3), (0, 3), (7, 7), (6, 7)):
        await personal.note_read(user, "one", sequence)
        assert await personal.find_marks(user, ["one"]) == {"one": mark}
    assert await ReadMark.objects.acount() == 1


async def test_of_marks_that_come_at_once_the_furthest_stays(user: User) -> None:
    await asyncio.gather(*(personal.note_read(user, "one", sequence) for sequence in (4, 9, 1, 8, 2, 7)))
    assert await personal.find_marks(user, ["one"]) == {"one": 9}
    assert await ReadMark.objects.acount() == 1


async def test_a_mark_goes_as_far_as_a_session_can(user: User) -> None:
    await personal.note_read(user, "one", 2**53 - 1)
    assert await personal.find_marks(user, ["one"]) == {"one": 2**53 - 1}


async def test_a_mark_is_its_persons_own(user: User, other: User) -> None:
    await personal.note_read(user, "one", 5)
    await personal.note_read(other, "one", 2)
    assert await personal.find_marks(user, ["one"]) == {"one": 5}
    assert await personal.find_marks(other, ["one"]) == {"one": 2}


async def test_marks_are_found_for_the_sessions_asked_for_and_opened_before(user: User) -> None:
    for session_id in ("one", "two", "three"):
        await personal.note_read(user, session_id, 0)
    assert await personal.find_marks(user, iter(["one", "three", "never opened"])) == {"one": 0, "three": 0}
    assert await personal.find_marks(user, []) == {}


async def test_marks_are_found_for_a_page_with_every_starred_session(user: User) -> None:
    ids = [f"session {number}" for number in range(1000)]
    await personal.note_read(user, ids[-1], 1)
    assert await personal.find_marks(user, ids) == {ids[-1]: 1}


# -- what is left behind --------------------------------------------------------------------------------------------------


async def test_a_session_that_is_deleted_and_restored_has_its_star_and_mark(user: User, store: SessionStore) -> None:
    session_id = (await store.create_session(make_session())).session_id
    await personal.set_star(user, session_id, is_starred=True)
    await personal.note_read(user, session_id, 4)
    await store.delete_session(session_id)
    assert await store.get_sessions(await personal.list_starred(user)) == []
    restored = await store.restore_session(session_id)
    assert await store.get_sessions(await personal.list_starred(user)) == [restored]
    assert await personal.find_marks(user, [session_id]) == {session_id: 4}


async def test_stars_and_marks_go_with_their_person(user: User, other: User) -> None:
    for person in (user, other):
        await personal.set_star(person, "one", is_starred=True)
        await personal.note_read(person, "one", 3)
    await user.adelete()
    assert await personal.list_starred(other) == ["one"]
    assert await Star.objects.acount() == await ReadMark.objects.acount() == 1
    assert await personal.find_starred_by_anyone(ALL) == {"one"}
    await other.adelete()
    assert await personal.find_starred_by_anyone(ALL) == set()


# -- what is new ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("read", "new"), [(0, 5), (3, 2), (5, 0), (9, 0)])
async def test_new_is_what_came_since_they_left(read: int, new: int, store: SessionStore) -> None:
    session_id = (await store.create_session(make_session())).session_id
    await store.append_messages(session_id, make_drafts(5))
    session = await store.get_session(session_id)
    assert PersonalView(read={session_id: read}).count_new(session) == new


async def test_nothing_is_new_in_a_session_they_never_opened(store: SessionStore) -> None:
    session_id = (await store.create_session(make_session())).session_id
    await store.append_messages(session_id, make_drafts(5))
    session = await store.get_session(session_id)
    assert PersonalView(read={"another": 1}).count_new(session) == NOBODY.count_new(session) == 0
