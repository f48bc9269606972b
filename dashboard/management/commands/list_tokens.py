"""`manage.py list_tokens`: which programs may use the HTTP API, and when they last did."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from dashboard.models import ApiToken
from dashboard.programs.tokens import TokenState, state_of


class Command(BaseCommand):
    help = "List the tokens of the HTTP API, without their texts. Times are UTC; the last use is noted once a minute."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="also those that let nobody in any more")

    def handle(self, *, all: bool, **options: Any) -> None:  # noqa: A002  # the option's name
        now = timezone.now()
        tokens = ApiToken.objects.select_related("user").order_by("pk")
        rows: list[tuple[str, ...]] = [("id", "user", "scopes", "created", "last used", "ends", "name")]
        rows += [_row(token) for token in tokens if all or state_of(token, now=now) is TokenState.VALID]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.stdout.write("  ".join(cells).rstrip())


def _row(token: ApiToken) -> tuple[str, ...]:
    return (
        str(token.pk),
        token.user.get_username(),
        ",".join(token.scopes),
        _time(token.created_at),
        _time(token.last_used_at),
        f"revoked {_time(token.revoked_at)}" if token.revoked_at else _time(token.expires_at),
        token.name,
    )


def _time(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M}"
