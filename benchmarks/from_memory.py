"""A page's template, filled with the very values that the page was filled with: what a page costs without asking anything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from django.template.loader import get_template
from django.test import AsyncClient
from django.test.signals import template_rendered
from django.test.utils import setup_test_environment, teardown_test_environment


async def catch_values(client: AsyncClient, address: str, template: str) -> dict[str, Any]:
    """What the template of that name was filled with when the page was asked for."""
    seen: list[dict[str, Any]] = []

    def note(*, template: Any, context: Any, **_: Any) -> None:
        if template.name == wanted:
            seen.append(context.flatten())

    wanted = template
    template_rendered.connect(note)
    setup_test_environment()
    try:
        await client.get(address)
    finally:
        teardown_test_environment()
        template_rendered.disconnect(note)
    return seen[0]


def fill_from_memory(template: str, values: dict[str, Any]) -> Callable[[], Awaitable[None]]:
    """Fills it once each time it is called."""
    page = get_template(template)

    async def render() -> None:
        page.render(values)

    return render
