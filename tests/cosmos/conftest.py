from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cosmos.double.server import Double, double_server
from tests.cosmos.fixtures import KEY


@pytest.fixture
def double() -> Iterator[Double]:
    with double_server(KEY) as running:
        yield running
