from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from dashboard.login_throttle import FAILURES_PER_ADDRESS, FAILURES_PER_NAME
from dashboard.models import LoginLink
from dashboard.views.accounts import create_login_link

pytestmark = pytest.mark.django_db
HERE = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1:8000"}


@pytest.fixture(autouse=True)
def hosts(settings: object) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", "chatlog.example.org", "testserver"]


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann", password="right")


def is_logged_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_a_link_logs_in_once(ann: User) -> None:
    link = create_login_link(ann)
    client = Client(**HERE)
    response = client.get(link)
    assert (response.status_code, response["Location"]) == (302, "/")
    assert is_logged_in(client)
    assert Client(**HERE).get(link).status_code == 404
    assert not LoginLink.objects.exists()


def test_the_table_holds_no_token(ann: User) -> None:
    token = create_login_link(ann).rsplit("/", 1)[1]
    assert token not in str(LoginLink.objects.values().get())


def test_a_link_expires(ann: User) -> None:
    link = create_login_link(ann)
    LoginLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    client = Client(**HERE)
    assert client.get(link).status_code == 404
    assert not is_logged_in(client)
    create_login_link(ann)
    assert LoginLink.objects.count() == 1  # the old one is swept away


def test_a_link_of_somebody_deactivated_does_not_work(ann: User) -> None:
    link = create_login_link(ann)
    User.objects.update(is_active=False)
    assert Client(**HERE).get(link).status_code == 404


ELSEWHERE = [
    {"REMOTE_ADDR": "192.0.2.7"},
    {"REMOTE_ADDR": "::ffff:192.0.2.7"},
    {"REMOTE_ADDR": ""},
    {"HTTP_HOST": "chatlog.example.org"},
    {"HTTP_HOST": "chatlog.example.org:8000"},
    {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
    {"HTTP_X_FORWARDED_HOST": "localhost"},
    {"HTTP_X_FORWARDED_PROTO": "https"},
    {"HTTP_FORWARDED": "for=127.0.0.1"},
    {"HTTP_X_REAL_IP": "127.0.0.1"},
    {"HTTP_VIA": "1.1 proxy"},
]


@pytest.mark.parametrize("difference", ELSEWHERE, ids=str)
def test_a_link_works_on_this_machine_only(difference: dict[str, str], ann: User) -> None:
    link = create_login_link(ann)
    client = Client(**HERE | difference)
    assert client.get(link).status_code == 404
    assert not is_logged_in(client)
    assert Client(**HERE).get(link).status_code == 302  # and is not used up by the attempt


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1", "[::1]:8000", "[::1]"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_every_name_of_this_machine_will_do(host: str, address: str, ann: User) -> None:
    assert Client(REMOTE_ADDR=address, HTTP_HOST=host).get(create_login_link(ann)).status_code == 302


@pytest.mark.parametrize("method", ["post", "put", "delete", "head"])
def test_only_following_the_link_uses_it(method: str, ann: User) -> None:
    link = create_login_link(ann)
    assert getattr(Client(**HERE), method)(link).status_code == 405
    assert LoginLink.objects.exists()


def log_in(name: str = "ann", password: str = "right", **extra: str) -> int:
    return Client(**extra).post("/login/", {"username": name, "password": password}).status_code


def test_guessing_is_slowed_down_for_a_name(ann: User) -> None:
    assert [log_in(password="wrong") for _ in range(FAILURES_PER_NAME)] == [200] * FAILURES_PER_NAME
    assert log_in() == 429  # even the right one, for a minute
    assert log_in("Ann") == 429
    assert log_in(REMOTE_ADDR="192.0.2.9") == 302  # but not for the real one elsewhere


def test_guessing_many_names_is_slowed_down_for_an_address(ann: User) -> None:
    for number in range(FAILURES_PER_ADDRESS):
        log_in(f"guess{number}", "wrong")
    response = Client().post("/login/", {"username": "ann", "password": "right"})
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0


def test_the_limit_ends_with_its_minute(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(FAILURES_PER_NAME):
        log_in(password="wrong")
    monkeypatch.setattr("dashboard.login_throttle.WINDOW_SECONDS", 7)  # another division of time: another window
    assert log_in() == 302


def test_logging_in_right_counts_nothing(ann: User) -> None:
    assert {log_in() for _ in range(FAILURES_PER_NAME + 1)} == {302}


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "http:///evil"]
)
def test_logging_in_leads_nowhere_else(target: str, ann: User) -> None:
    response = Client().post(f"/login/?next={target}", {"username": "ann", "password": "right", "next": target})
    assert (response.status_code, response["Location"]) == (302, "/")


def test_the_login_session_gets_a_new_key(ann: User) -> None:
    client = Client()
    client.cookies["sessionid"] = "fixed-by-somebody-else"
    client.post("/login/", {"username": "ann", "password": "right"})
    assert client.cookies["sessionid"].value != "fixed-by-somebody-else"
    assert client.cookies["sessionid"]["httponly"]
    assert client.cookies["sessionid"]["samesite"] == "Lax"


def test_logging_out_takes_a_post(ann: User) -> None:
    client = Client()
    client.force_login(ann)
    assert client.get("/logout/").status_code == 405
    assert is_logged_in(client)
    assert client.post("/logout/").status_code == 302
    assert not is_logged_in(client)
