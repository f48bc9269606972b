"""Through the proxy that the environment names, encrypted, or past it; plain http never."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from pathlib import Path

import pytest

from chatlog.client.address import SiteAddress
from chatlog.client.proxy import find_proxy
from chatlog.errors import ConfigurationError
from tests.chatlog.client.fake_site import TOKEN, fake_site
from tests.chatlog.client.tunnel import make_certificate, tunnel


async def list_sessions(address: str, **variables: str) -> str:
    """As a program of its own, for certificates are read when it starts; returns what it complains of."""
    inherited = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chatlog", "list", "--store", address),
        env=inherited | {"CHATLOG_TOKEN": TOKEN} | variables,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, complaints = await process.communicate()
    return complaints.decode() if process.returncode else ""


async def test_a_site_is_reached_through_the_proxy_and_past_it(tmp_path: Path) -> None:
    certificate = tmp_path / "authority.pem"
    tls = make_certificate(certificate)
    # What aiohttp's own reading of the environment would look into as well.
    (tmp_path / ".netrc").write_text("machine localhost login ann password secret\n")
    places = {"SSL_CERT_FILE": str(certificate), "CHATLOG_DATA_DIR": str(tmp_path), "HOME": str(tmp_path), "NO_PROXY": ""}
    async with fake_site(tls=tls) as site, tunnel() as proxy:
        places["HTTPS_PROXY"] = f"http://ann:secret@{proxy.place}"
        assert await list_sessions(site.address, **places) == ""
        (head,) = proxy.asked
        assert head.startswith(f"CONNECT {site.address.removeprefix('https://')} HTTP/1.1\r\n")
        assert f"Proxy-Authorization: Basic {base64.b64encode(b'ann:secret').decode()}" in head
        assert TOKEN not in head
        asked = len(site.asked)
        assert asked > 0
        assert {headers["Authorization"] for headers in site.headers} == {f"Bearer {TOKEN}"}

        assert await list_sessions(site.address, **places | {"NO_PROXY": "example.org,localhost"}) == ""
        assert (len(proxy.asked), len(site.asked)) == (1, 2 * asked)

    complaints = await list_sessions(site.address, **places)
    assert "cannot be reached" in complaints
    assert "secret" not in complaints


@pytest.mark.parametrize(
    ("address", "named", "proxy"),
    [
        ("https://chatlog.example.org", "http://proxy:3128", "http://proxy:3128"),
        ("https://chatlog.example.org", "proxy:3128", "http://proxy:3128"),
        ("https://chatlog.example.org", "", None),
        ("https://internal.example.org/chatlog", "http://proxy:3128", None),
        ("http://127.0.0.1:8000", "http://proxy:3128", None),
        ("http://dashboard:8000", "http://proxy:3128", None),
    ],
)
def test_which_proxy_it_is(address: str, named: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy"):  # which come first
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", named)
    monkeypatch.setenv("HTTPS_PROXY", named)
    monkeypatch.setenv("NO_PROXY", "internal.example.org")
    assert find_proxy(SiteAddress.parse(address, allow_plain_http=True)) == proxy


@pytest.mark.parametrize("named", ["socks5://secret@proxy:1080", "http://", "http://secret@proxy:port", "http://secret@[::1"])
def test_what_is_no_proxy_is_refused_and_not_shown(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("https_proxy", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", named)
    monkeypatch.setenv("NO_PROXY", "")
    with pytest.raises(ConfigurationError, match="HTTPS_PROXY") as caught:
        find_proxy(SiteAddress.parse("https://chatlog.example.org", allow_plain_http=False))
    assert "secret" not in str(caught.value)
