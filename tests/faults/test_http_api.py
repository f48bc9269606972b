"""Thousands of requests made from the API's own description: no answer that it does not describe, and never a 5xx."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, checks
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.generation import GenerationMode

from dashboard.api.v1 import api
from tests.dashboard.site_process import ROOT, environment, prepared

CASES = 40
SOAK_CASES = 1_200
TOKENS = 20  # one may ask two hundred times a second
MESSAGES = 3  # of a session that is there
DOCUMENT = api.document()
_project = ProjectConfig(
    generation=GenerationConfig(with_security_parameters=False, database="none"),
    max_stream_events=1 + MESSAGES,  # one tells of the session itself; after these, a stream waits for what is said next
)
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT, config=SchemathesisConfig(projects=ProjectsConfig(default=_project)))
OPERATIONS = {
    operation["operationId"]: (path, method.upper())
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


class ServedApi:
    """A real site, tokens for it, and sessions to write into and read from."""

    def __init__(self, address: str, tokens: list[str]) -> None:
        self.address = address
        self.session = requests.Session()
        self._tokens = itertools.cycle(tokens)
        self.answers: Counter[int] = Counter()

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {next(self._tokens)}"}

    def begin_session(self) -> str:
        answer = self.session.post(f"{self.address}/api/v1/sessions", json={"task": "x"}, headers=self.headers, timeout=30)
        session_id: str = answer.json()["session_id"]
        answer = self.session.post(
            f"{self.address}/api/v1/sessions/{session_id}/messages",
            json=[{"source": "a", "content": "b"}] * MESSAGES,
            headers=self.headers,
            timeout=30,
        )
        assert answer.status_code == 201
        return session_id


NEW_TOKENS = f"""
from django.contrib.auth.models import User
from dashboard.programs.tokens import create_token
for _ in range({TOKENS}):
    print("TOKEN", create_token(User.objects.get(username="ann"), name="", by="a test")[1])
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedApi]:
    data = tmp_path_factory.mktemp("site")
    for file in prepared()[0].iterdir():
        (data / file.name).write_bytes(file.read_bytes())
    env, program = environment(data), [sys.executable, str(ROOT / "manage.py")]
    made = subprocess.run(
        [*program, "shell", "-v0", "-c", NEW_TOKENS], cwd=ROOT, env=env, check=True, capture_output=True, text=True
    )
    with (data / "log").open("w") as log:
        site = subprocess.Popen(
            [*program, "serve", "--port=0"], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            address = re.search(r"http://[\d.:]+", site.stdout.readline())[0]
            yield ServedApi(address, re.findall(r"TOKEN (\S+)", made.stdout))
            assert "Traceback" not in (data / "log").read_text()
        finally:
            site.kill()
            site.communicate()


def _would_wait(case: Case) -> bool:
    """Whether it follows a session from a place where nothing has been said yet."""
    headers = {name.lower() for name in case.headers or ()}
    return case.path.endswith("/events") and bool(case.query or "last-event-id" in headers)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_is_one_that_is_described(name: str, served: ServedApi, request: pytest.FixtureRequest) -> None:
    path, method = OPERATIONS[name]
    is_soak = request.config.getoption("--soak", default=False)
    sessions = itertools.cycle([served.begin_session() if "{session_id}" in path else ""])
    turns = itertools.count()

    @settings(
        max_examples=SOAK_CASES if is_soak else CASES,
        deadline=None,
        derandomize=not is_soak,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of(*(SCHEMA[path][method].as_strategy(generation_mode=mode) for mode in GenerationMode)))
    def call(case: Case) -> None:
        # A made-up id is no session's; most cases are about what comes after it.
        if "session_id" in case.path_parameters and next(turns) % 4 and not _would_wait(case):
            case.path_parameters["session_id"] = next(sessions)
        response = case.call_and_validate(
            base_url=served.address, session=served.session, headers=served.headers, checks=CHECKS, timeout=30
        )
        served.answers[response.status_code] += 1

    call()
