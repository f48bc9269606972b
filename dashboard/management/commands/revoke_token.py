"""`manage.py revoke_token ID…`: end tokens of the HTTP API, within five seconds also for what they have open."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatlog.terminal.endings import IMPOSSIBLE
from dashboard.models import ApiToken
from dashboard.programs.tokens import BY_COMMAND, revoke_tokens


class Command(BaseCommand):
    help = "Revoke tokens of the HTTP API by their numbers (see list_tokens), or all of a user. It cannot be undone."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", nargs="*", type=int, metavar="ID")
        parser.add_argument("--user", help="all tokens of this user")

    def handle(self, *, ids: list[int], user: str | None, **options: Any) -> None:
        if bool(ids) == bool(user):
            raise CommandError("Name the tokens by their numbers, or say --user NAME.", returncode=IMPOSSIBLE)
        tokens = ApiToken.objects.filter(user__username=user) if user else ApiToken.objects.filter(pk__in=ids)
        missing = set(ids) - set(tokens.values_list("pk", flat=True))
        if missing:
            raise CommandError(
                f"There is no token {', '.join(map(str, sorted(missing)))}. See list_tokens.", returncode=IMPOSSIBLE
            )
        revoked = revoke_tokens(tokens, by=BY_COMMAND)
        self.stdout.write(f"Revoked {revoked} {'token' if revoked == 1 else 'tokens'}.")
