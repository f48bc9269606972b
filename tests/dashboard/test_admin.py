"""The administration: behind the site's own login; tokens shown once and never changed; who did what is never deleted."""

from __future__ import annotations

import logging
import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.models import Session
from django.test import Client

from dashboard.models import ApiToken
from dashboard.programs import tokens

TOKENS = "/admin/dashboard/apitoken/"
ADD = TOKENS + "add/"
NEW = {"name": "agents on host 7", "may_read": "on", "may_write": "on", "days": ""}


def log_in(name: str, *permissions: str, **values: bool) -> Client:
    user = User.objects.create_user(name, password="a long enough secret", **values)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def boss(db: None) -> Client:
    return log_in("boss", is_staff=True, is_superuser=True)


@pytest.fixture
def staff(db: None) -> Client:
    """Looks after tokens, and after nothing else."""
    return log_in("ann", "add_apitoken", "change_apitoken", is_staff=True)


def make_token(client: Client, **values: str) -> str:
    owner = User.objects.get(pk=client.session["_auth_user_id"])
    response = client.post(ADD, NEW | {"user": str(owner.pk)} | values, follow=True)
    assert response.status_code == 200
    return re.search(r"chatlog_[\w-]{43}", response.content.decode())[0]


def kept_anywhere(client: Client) -> str:
    """What lies in the database and in the browser. Login sessions are decoded, as whoever has the key to them can."""
    kept = [list(table.objects.values()) for table in (ApiToken, LogEntry)]
    return f"{kept} {[row.get_decoded() for row in Session.objects.all()]} {client.cookies}"


def allows(text: str) -> tokens.Grant | None:
    return tokens.find_grants([tokens.hash_token(text)]).get(tokens.hash_token(text))


# -- the door -------------------------------------------------------------------------------------------------------------


def test_there_is_no_second_form_for_passwords(db: None) -> None:
    User.objects.create_superuser("boss", password="a long enough secret")
    client = Client()
    for send in (client.get, client.post):
        response = send("/admin/login/", {"username": "boss", "password": "a long enough secret"})
        assert response.status_code == 302
        assert response["Location"].startswith("/login/?next=")
    assert "_auth_user_id" not in client.session


def test_who_is_no_staff_is_told_so_and_sees_nothing(db: None) -> None:
    client = log_in("mika")
    for address in ("/admin/", TOKENS, ADD, "/admin/auth/user/"):
        response = client.get(address, follow=True)
        assert response.status_code == 403
        assert "members of staff" in response.content.decode()
        assert "password" not in response.content.decode()
    assert client.post(ADD, NEW).status_code == 302
    assert not ApiToken.objects.exists()


def test_only_staff_is_shown_the_way(boss: Client) -> None:
    for client, is_shown in ((boss, True), (log_in("mika"), False)):
        assert ('href="/admin/"' in client.get("/docs/api/").content.decode()) is is_shown


def test_only_superusers_look_after_people(boss: Client) -> None:
    staff = log_in("eve", "add_user", "change_user", "view_user", "delete_user", "change_group", is_staff=True)
    eve = User.objects.get(username="eve")
    for address in ("/admin/auth/user/", f"/admin/auth/user/{eve.pk}/change/", "/admin/auth/user/add/", "/admin/auth/group/"):
        assert staff.get(address).status_code == 403
        assert boss.get(address).status_code == 200
    staff.post(f"/admin/auth/user/{eve.pk}/change/", {"username": "eve", "is_superuser": "on", "is_staff": "on"})
    assert not User.objects.get(username="eve").is_superuser


def test_nobody_is_deleted_for_their_tokens_and_deeds_would_go_with_them(boss: Client) -> None:
    mika = User.objects.create_user("mika")
    assert boss.post(f"/admin/auth/user/{mika.pk}/delete/", {"post": "yes"}).status_code == 403
    boss.post("/admin/auth/user/", {"action": "delete_selected", "_selected_action": [mika.pk], "post": "yes"})
    assert User.objects.filter(username="mika").exists()


def test_logging_out_of_the_administration_leaves_the_site(boss: Client) -> None:
    response = boss.post("/admin/logout/")
    assert response["Location"] == "/login/"
    assert "_auth_user_id" not in boss.session


# -- tokens ---------------------------------------------------------------------------------------------------------------


def test_a_token_is_shown_once_and_its_text_lies_nowhere(staff: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    sent = staff.post(ADD, NEW | {"user": str(User.objects.get().pk), "days": "30"})
    waiting = kept_anywhere(staff) + str(sent.headers) + sent.content.decode()
    response = staff.get(sent["Location"])
    text = re.search(r"chatlog_[\w-]{43}", response.content.decode())[0]
    assert "no-store" in response["Cache-Control"]
    grant = allows(text)
    assert grant is not None
    assert (grant.may_read, grant.may_write) == (True, True)
    assert grant.expires_at is not None
    token = ApiToken.objects.get()
    pages = [staff.get(address).content.decode() for address in (TOKENS, f"{TOKENS}{token.pk}/change/", "/admin/", ADD)]
    pages.append(staff.get(f"{TOKENS}{token.pk}/history/").content.decode())
    places = (*pages, waiting, kept_anywhere(staff), sent["Location"], caplog.text)
    assert [place for place in places if text in place or text[8:] in place or text.encode().hex() in place] == []
    assert [page for page in (*pages, response.content.decode(), caplog.text) if token.token_hash in page] == []
    assert f"token {token.pk} created for 'ann' by 'ann'" in caplog.text


def test_a_page_that_is_loaded_again_makes_no_token_and_shows_none(staff: Client) -> None:
    sent = staff.post(ADD, NEW | {"user": str(User.objects.get().pk)})
    assert (sent.status_code, sent["Location"]) == (302, f"{TOKENS}{ApiToken.objects.get().pk}/made/")
    first, *later = [staff.get(sent["Location"]) for _ in range(3)]
    assert "chatlog_" in first.content.decode()
    for page in later:
        assert (page.status_code, "chatlog_" in page.content.decode()) == (200, False)
        assert "was shown once" in page.content.decode()
        assert "no-store" in page["Cache-Control"]
    assert ApiToken.objects.count() == 1
    assert not any(name.startswith("new_token") for name in (*staff.session.keys(), *sent_back(staff)))


def sent_back(client: Client) -> list[str]:
    """The cookies that a browser would still send."""
    return [name for name, cookie in client.cookies.items() if cookie.value]


def test_two_tokens_that_are_made_at_once_are_both_shown(staff: Client) -> None:
    sent = [staff.post(ADD, NEW | {"user": str(User.objects.get().pk), "name": name}) for name in ("one", "other")]
    texts = {re.search(r"chatlog_[\w-]{43}", staff.get(each["Location"]).content.decode())[0] for each in sent}
    assert len(texts) == 2
    assert all(allows(text) for text in texts)


def test_neither_half_of_a_token_that_waits_is_enough(staff: Client, boss: Client) -> None:
    sent = staff.post(ADD, NEW | {"user": str(User.objects.first().pk)})
    (name,) = (name for name in sent.cookies if name.startswith("new_token"))
    cookie = sent.cookies[name]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", sent["Location"])
    boss.cookies[name] = cookie.value
    assert "was shown once" in boss.get(sent["Location"]).content.decode()
    staff.cookies[name] = "no half"
    assert "was shown once" in staff.get(sent["Location"]).content.decode()
    staff.cookies[name] = cookie.value
    assert "was shown once" in staff.get(sent["Location"]).content.decode()


def test_the_page_of_a_new_token_is_for_who_may_make_one(staff: Client, boss: Client) -> None:
    page = staff.post(ADD, NEW | {"user": str(User.objects.first().pk)})["Location"]
    assert log_in("eve", "view_apitoken", is_staff=True).get(page).status_code == 403
    assert log_in("mika").get(page).status_code == 302
    assert boss.get(f"{TOKENS}999/made/").status_code == 404


def test_the_list_says_what_each_token_may_and_whether_it_still_does(staff: Client) -> None:
    texts = [make_token(staff, name="first"), make_token(staff, name="second", may_write=""), make_token(staff, name="third")]
    ApiToken.objects.filter(name="first").update(expires_at="2026-01-01T00:00:00Z")
    listed = staff.get(TOKENS).content.decode()
    assert re.findall(r'field-allowed">([^<]+)<', listed) == ["read, write", "read", "read, write"]
    assert re.findall(r'field-state">([^<]+)<', listed) == ["valid", "valid", "over"]
    assert "first" not in staff.get(TOKENS + "?valid=1").content.decode()
    assert "second" not in staff.get(TOKENS + "?valid=0").content.decode()
    User.objects.update(is_active=False)
    assert [allows(text) for text in texts] == [None] * 3
    assert tokens.state_of(ApiToken.objects.get(name="third"), now=ApiToken.objects.get(name="third").created_at) == "barred"


def revoke(client: Client, *names: str) -> str:
    chosen = list(ApiToken.objects.filter(name__in=names).values_list("pk", flat=True))
    response = client.post(TOKENS, {"action": "revoke", "_selected_action": chosen}, follow=True)
    return response.content.decode()


def test_a_revoked_token_is_worth_nothing_and_the_log_says_who_did_it(staff: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    text, other = make_token(staff, name="one"), make_token(staff, name="other")
    assert "1 token is revoked" in revoke(staff, "one")
    assert allows(text) is None
    assert allows(other) is not None
    number = ApiToken.objects.get(name="one").pk
    assert f"token {number} revoked by 'ann'" in caplog.text
    entries = LogEntry.objects.filter(object_id=number).values_list("change_message", flat=True)
    assert "Revoked." in entries[0]
    assert "0 tokens are revoked" in revoke(staff, "one")


@pytest.mark.parametrize("permission", ["view_apitoken", "add_apitoken"])
def test_who_may_only_look_or_make_cannot_revoke(staff: Client, permission: str) -> None:
    text = make_token(staff, name="one")
    revoke(log_in("eve", permission, "view_apitoken", is_staff=True), "one")
    assert allows(text) is not None


def test_a_token_is_never_changed_or_deleted(boss: Client) -> None:
    text = make_token(boss, name="one", may_write="")
    token = ApiToken.objects.get()
    assert boss.post(f"{TOKENS}{token.pk}/change/", NEW | {"user": str(token.user_id)}).status_code == 403
    assert boss.post(f"{TOKENS}{token.pk}/delete/", {"post": "yes"}).status_code == 403
    boss.post(TOKENS, {"action": "delete_selected", "_selected_action": [token.pk], "post": "yes"})
    grant = allows(text)
    assert grant is not None
    assert not grant.may_write


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"may_read": "", "may_write": ""}, "read, write, or both"),
        ({"days": "0"}, "greater than or equal to 1"),
        ({"days": str(tokens.MAX_DAYS + 1)}, f"less than or equal to {tokens.MAX_DAYS}"),
        ({"name": "x" * 101}, "at most 100 characters"),
        ({"user": "999"}, "not one of the available choices"),
    ],
)
def test_a_token_that_cannot_be_is_refused_with_a_reason(staff: Client, wrong: dict[str, str], complaint: str) -> None:
    response = staff.post(ADD, NEW | {"user": str(User.objects.get().pk)} | wrong)
    assert complaint in response.content.decode()
    assert not ApiToken.objects.exists()
