"""Which addresses and tokens are taken, and what is said about the others."""

from __future__ import annotations

from pathlib import Path

import pytest

import chatlog
from chatlog.client import RemoteStore
from chatlog.client.address import SiteAddress, check_token
from chatlog.errors import ConfigurationError

SPELLINGS = ["https://Site.example", "https://site.example/", "https://site.example:443", " https://site.example/api/v1/"]


def parse(location: str, *, allow_plain_http: bool = False) -> SiteAddress:
    return SiteAddress.parse(location, allow_plain_http=allow_plain_http)


def test_all_spellings_of_an_address_share_one_queue() -> None:
    assert {parse(spelling).root for spelling in SPELLINGS} == {"https://site.example"}
    assert len({parse(spelling).queue_file(Path("data")) for spelling in SPELLINGS}) == 1


def test_sites_under_different_paths_and_ports_have_queues_of_their_own() -> None:
    others = ["https://site.example", "https://site.example:8443", "https://site.example/a", "https://site.example/b"]
    assert len({parse(other).queue_file(Path("data")).name for other in others}) == 4


def test_a_path_that_a_proxy_serves_the_site_under_is_kept() -> None:
    assert parse("https://a.example/tools/chatlog/").call("sessions") == "https://a.example/tools/chatlog/api/v1/sessions"


def test_an_id_stays_one_step_of_the_path_whatever_characters_it_has() -> None:
    address = parse("http://[::1]:8000").call("sessions", "会議 100%&=+;", "messages")
    assert address == "http://[::1]:8000/api/v1/sessions/%E4%BC%9A%E8%AD%B0%20100%25%26%3D%2B%3B/messages"


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("https://", "no site's address"),
        ("https://user:secret@site.example", "token goes into token="),
        ("https://site.example/?a=b", "without user"),
        ("https://site.example:port", "no address"),
        ("ftp://site.example", "no site's address"),
        ("http://site.example", "would send the token unencrypted"),
        ("http://192.168.1.7:8000", "allow_plain_http=True"),
    ],
)
def test_an_address_that_cannot_be_says_why(location: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as refused:
        parse(location)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("location", ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]"])
def test_plain_http_is_taken_for_this_machine(location: str) -> None:
    assert parse(location).root == location


def test_plain_http_is_taken_elsewhere_by_whoever_says_so() -> None:
    assert parse("http://dashboard:8000", allow_plain_http=True).root == "http://dashboard:8000"


def test_a_token_is_taken_without_its_line_end() -> None:
    assert check_token("chatlog_abc\n") == "chatlog_abc"


@pytest.mark.parametrize("token", ["", " \n", "chatlog_a b", "chatlog_ä", "chatlog_a\r\nX-Evil: 1"])
def test_a_token_that_cannot_be_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(ConfigurationError, match="create_token") as refused:
        check_token(token)
    assert "chatlog_" not in str(refused.value)


def test_a_sites_address_opens_a_remote_store() -> None:
    assert isinstance(chatlog.open_store("https://site.example", token="chatlog_abc"), RemoteStore)


def test_a_site_without_a_token_says_how_to_get_one() -> None:
    with pytest.raises(ConfigurationError, match=r"token=….*create_token"):
        chatlog.open_store("https://site.example")


def test_a_site_over_plain_http_is_opened_for_whoever_says_so() -> None:
    with pytest.raises(ConfigurationError, match="allow_plain_http=True"):
        chatlog.open_store("http://dashboard:8000", token="chatlog_abc")
    store = chatlog.open_store("http://dashboard:8000", token="chatlog_abc", allow_plain_http=True)
    assert isinstance(store, RemoteStore)


@pytest.mark.parametrize("location", ["sqlite:///a.sqlite3", None])
def test_plain_http_that_leads_to_no_site_is_refused(location: str | None) -> None:
    with pytest.raises(ConfigurationError, match=r"allow_plain_http is for a site's address.*Leave it out"):
        chatlog.open_store(location, allow_plain_http=True)  # type: ignore[call-overload]


@pytest.mark.parametrize("location", ["sqlite:///a.sqlite3", None])
def test_a_token_for_anything_else_is_refused(location: str | None) -> None:
    with pytest.raises(ConfigurationError, match="for a site's address"):
        chatlog.open_store(location, token="chatlog_abc")  # type: ignore[call-overload]


def test_the_queue_lies_in_the_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATLOG_DATA_DIR", "elsewhere")
    store = RemoteStore("https://site.example:8443/chatlog", token="chatlog_abc")
    assert store.queue.parent == Path("elsewhere")
    assert store.queue.name.startswith("outbox-site.example_8443_chatlog-")
