"""What the site keeps about people, in Django's own database. Discussions live in the store."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

MAX_TOKEN_NAME_CHARACTERS = 100


class LoginLink(models.Model):
    """A link that logs one person in once. Only the hash of its token is kept: who reads the table cannot use it."""

    token_hash = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"login link of {self.user} until {self.expires_at:%Y-%m-%d %H:%M}"


class Star(models.Model):
    """A session that somebody wants to keep at hand. Starred by anyone, it is exempt from retention."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    session_id = models.CharField(max_length=255, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "session_id"), name="one_star_per_person_and_session"),)

    def __str__(self) -> str:
        return f"{self.user}'s star on {self.session_id}"


class ReadMark(models.Model):
    """How far somebody has read a session: the sequence of the last remark that they had on their screen."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    session_id = models.CharField(max_length=255)
    sequence = models.PositiveBigIntegerField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "session_id"), name="one_mark_per_person_and_session"),)

    def __str__(self) -> str:
        return f"{self.user} has read {self.session_id} up to {self.sequence}"


class ApiToken(models.Model):
    """What a program shows instead of a login. Only the hash is kept: who reads the table cannot use any of them.

    A plain SHA-256 is enough: a token is 256 random bits, which nobody finds by trying.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, verbose_name=_("owner"), on_delete=models.PROTECT, related_name="+")
    name = models.CharField(_("name"), max_length=MAX_TOKEN_NAME_CHARACTERS)
    token_hash = models.CharField(max_length=64, unique=True)
    may_read = models.BooleanField(_("may read"))
    may_write = models.BooleanField(_("may write"))
    created_at = models.DateTimeField(_("made"), auto_now_add=True)
    last_used_at = models.DateTimeField(_("last used"), null=True)
    expires_at = models.DateTimeField(_("ends"), null=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return f"token {self.pk} of {self.user}, “{self.name}”"

    @property
    def scopes(self) -> list[str]:
        return [name for name, is_given in (("read", self.may_read), ("write", self.may_write)) if is_given]
