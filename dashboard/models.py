"""What the site keeps about people, in Django's own database. Discussions live in the store."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class LoginLink(models.Model):
    """A link that logs one person in once. Only the hash of its token is kept: who reads the table cannot use it."""

    token_hash = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"login link of {self.user} until {self.expires_at:%Y-%m-%d %H:%M}"
