"""The page of the API: all of the document is on it, what it links to is there, and its examples work as they stand."""

from __future__ import annotations

import asyncio
import html
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from dashboard.api import streams
from dashboard.api.reference.calls import read_document
from dashboard.api.reference.fields import describe_field
from dashboard.api.v1 import api
from dashboard.programs import throttle
from tests.dashboard.site_process import manage, running_site

DOCUMENT = api.document()
CALLS = [call for calls in read_document(DOCUMENT).groups.values() for call in calls]
OPERATIONS = [operation for operations in DOCUMENT["paths"].values() for operation in operations.values()]


@pytest.fixture
def client(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_user("mika"))
    return client


@pytest.fixture
def page(client: Client) -> str:
    return read(client)


def read(client: Client, **headers: str) -> str:
    response = client.get("/docs/api/", headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def markup_of(page: str, name: str) -> str:
    return re.search(rf'<article class="call" id="{name}"(.*?)</article>', page, re.DOTALL)[1]


def part(page: str, name: str) -> str:
    """What is said about one call, without markup."""
    return html.unescape(re.sub(r"<[^>]+>", "", markup_of(page, name)))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda it: it["operationId"])
def test_a_call_is_told_with_all_that_it_takes_and_answers(page: str, operation: dict[str, Any]) -> None:
    text = part(page, operation["operationId"])
    (call,) = (call for call in CALLS if call.name == operation["operationId"])
    assert [word for word in (call.method, call.path, call.scope, call.summary, call.example) if word not in text] == []
    names = [parameter["name"] for parameter in operation.get("parameters", [])]
    if "requestBody" in operation:
        names += schema_of(operation)["properties"]
    assert re.findall(r"<dt><code>([^<]+)</code>", markup_of(page, operation["operationId"])) == names
    assert [status for status in operation["responses"] if status not in text] == []


def schema_of(operation: dict[str, Any]) -> dict[str, Any]:
    reference = re.search(r"schemas/(\w+)", json.dumps(operation["requestBody"]))
    found: dict[str, Any] = DOCUMENT["components"]["schemas"][reference[1]]
    return found


def test_limits_are_told_in_words(page: str) -> None:
    text = part(page, "create_messages")
    assert re.search(r"source string\s+required\s+Who says it.\s+1 to 255 characters.", text)
    assert "a list of up to 1,000 of them" in text
    assert 'Default: "text"' in text
    assert "One of jsonl, md, html, csv." in part(page, "export_session")
    assert "each 1 to 100 characters" in part(page, "create_session")
    assert "1 to 3,658." in part(page, "read_usage")


@pytest.mark.parametrize(
    ("schema", "kinds", "limits"),
    [
        ({"type": "integer", "minimum": 0, "maximum": 9}, ["integer"], "0 to 9"),
        ({"type": "string", "minLength": 1}, ["string"], "not empty"),
        ({"type": "array", "items": {"$ref": "#/x/Y"}, "maxItems": 3}, ["Y[]"], "at most 3 entries"),
        ({"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}, ["date", "null"], ""),
        ({"allOf": [{"enum": ["a", "b"], "type": "string"}], "default": "a"}, ["string"], "one of a, b"),
        ({}, ["any"], ""),
    ],
)
def test_a_schema_becomes_words(schema: dict[str, Any], kinds: list[str], limits: str) -> None:
    field = describe_field("x", schema, is_required=True)
    assert ([kind.words for kind in field.kinds], field.limits) == (kinds, limits)


def test_whatever_the_page_links_to_is_on_it_once(page: str) -> None:
    names = re.findall(r'\sid="([^"]+)"', page)
    assert len(names) == len(set(names))
    assert {link for link in re.findall(r'href="#([^"]+)"', page)} - set(names) == set()  # noqa: C416  # read from the page
    assert len([name for name in names if name.startswith("type-")]) > 10


def test_the_first_heading_is_the_pages_own(page: str) -> None:
    assert re.search(r"<h[1-6]", page)[0] == "<h1"  # type: ignore[index]


def test_the_numbers_are_those_of_the_code(page: str, monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    assert "ask 200 times a second, and 400 times at once" in page
    assert "A body may have 4 MB." in page
    monkeypatch.setattr(throttle, "REQUESTS_PER_SECOND", 7.0)
    monkeypatch.setattr(streams, "MAX_PER_TOKEN", 1234)
    assert "ask 7 times a second" in read(client)
    assert "may have 1,234 streams open" in read(client)


def test_who_may_make_tokens_is_led_there_and_others_are_told_whom_to_ask(page: str, client: Client) -> None:
    assert "Ask a member of staff" in page
    assert "/admin/dashboard/apitoken/add/" not in page
    User.objects.update(is_staff=True)
    user = User.objects.get()
    user.user_permissions.add(Permission.objects.get(codename="add_apitoken"))
    page = read(client)
    assert "Ask a member of staff" not in page
    assert "/admin/dashboard/apitoken/add/" in page


def test_the_frame_is_japanese_and_what_comes_from_the_document_says_that_it_is_english(client: Client) -> None:
    page = read(client, accept_language="ja")
    assert '<html lang="ja"' in page
    assert "トークンの入手" in page
    assert re.search(r'<section aria-labelledby="group-messages" lang="en">', page)
    assert "Send one message or a list" in page


@pytest.mark.parametrize(("host", "address"), [("127.0.0.1:8000", "http://127.0.0.1:8000"), ("localhost", "http://localhost")])
def test_the_examples_name_the_address_the_page_was_read_from(client: Client, host: str, address: str) -> None:
    assert f"SITE={address}\n" in read(client, host=host)


def test_behind_a_proxy_the_address_is_the_one_that_people_see(client: Client, settings: Any) -> None:
    settings.BEHIND_TLS = True
    settings.ALLOWED_HOSTS = ["chatlog.example.org"]
    assert "SITE=https://chatlog.example.org\n" in read(client, host="chatlog.example.org")


async def run(example: str, environment: dict[str, str]) -> str:
    """In a shell, after which its last line is the status of the answer."""
    command = f"{example} -sS -w '\\n%{{http_code}}'"
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", command, env=os.environ | environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, complaint = await process.communicate()
    assert process.returncode == 0 or "timed out" in complaint.decode(), complaint.decode()
    return output.decode()


async def test_every_example_works_as_it_stands(tmp_path: Path) -> None:
    examples = {call.name: call.example for call in CALLS}
    async with running_site(tmp_path) as site:
        _, output = await manage(tmp_path, "create_token", "ann")
        environment = {"SITE": site.origin, "CHATLOG_TOKEN": output.split()[-1]}
        body, status = (await run(examples.pop("create_session"), environment)).rsplit("\n", 1)
        assert status == "201"
        environment["SESSION"] = json.loads(body)["session_id"]
        assert (await run(examples.pop("create_messages"), environment)).endswith("\n201")
        followed = await run(examples.pop("follow_session") + " --max-time 1", environment)
        assert "event: session" in followed
        assert "id: 1\ndata: " in followed
        assert (await run(examples.pop("search"), environment)).count('"is_match":true') >= 1
        last = examples.pop("delete_session")
        assert {name: (await run(example, environment))[-3:] for name, example in examples.items()} == dict.fromkeys(
            examples, "200"
        )
        assert (await run(last, environment)).endswith("\n204")
