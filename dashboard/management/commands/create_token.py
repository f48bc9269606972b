"""`manage.py create_token USER`: a token for programs that use the HTTP API, printed once."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from chatlog.terminal.endings import IMPOSSIBLE
from dashboard.models import MAX_TOKEN_NAME_CHARACTERS
from dashboard.programs.tokens import BY_COMMAND, MAX_DAYS, create_token


class Command(BaseCommand):
    help = "Make a token for a program that uses the HTTP API, in the name of a user, and print it: it is shown only this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="the name of whoever answers for the program")
        parser.add_argument("--name", default="", help="what it is for: “agents on host 7”")
        parser.add_argument("--scope", choices=("read", "write"), help="only this; without it, both")
        parser.add_argument("--days", type=int, help="valid for so many days; without it, until it is revoked")

    def handle(self, *, user: str, name: str, scope: str | None, days: int | None, **options: Any) -> None:
        if len(name) > MAX_TOKEN_NAME_CHARACTERS:
            text = f"--name has {len(name)} characters; the limit is {MAX_TOKEN_NAME_CHARACTERS}."
            raise CommandError(text, returncode=IMPOSSIBLE)
        if days is not None and not 1 <= days <= MAX_DAYS:
            raise CommandError(f"--days {days} is out of range; it goes from 1 to {MAX_DAYS:,}.", returncode=IMPOSSIBLE)
        owner = _get_user(user)
        token, text = create_token(
            owner,
            name=name,
            by=BY_COMMAND,
            may_read=scope != "write",
            may_write=scope != "read",
            days=days,
        )
        self.stderr.write(f"Token {token.pk}. Keep it like a password; `manage.py revoke_token {token.pk}` ends it.")
        self.stdout.write(text)


def _get_user(name: str) -> User:
    try:
        user = User.objects.get(username=name)
    except User.DoesNotExist:
        text = f"There is no user {name!r}. Make one first: python manage.py createsuperuser --username {name}"
        raise CommandError(text, returncode=IMPOSSIBLE) from None
    except DatabaseError as error:  # of a site that nobody has set up yet, most likely
        text = f"The site's own tables cannot be read ({error}). Of a new site, make them first: python manage.py migrate"
        raise CommandError(text, returncode=IMPOSSIBLE) from error
    if not user.is_active:
        raise CommandError(f"User {name!r} may not log in, and neither may a token of theirs.", returncode=IMPOSSIBLE)
    return user
