"""Forms that people fill in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.login_throttle import WINDOW_SECONDS, LoginThrottle
from dashboard.models import MAX_TOKEN_NAME_CHARACTERS, ApiToken
from dashboard.programs.tokens import MAX_DAYS


class LoginForm(AuthenticationForm):
    """Name and password, with guessing slowed down: a throttled attempt does not even look at the password."""

    def clean(self) -> dict[str, Any]:
        address = self.request.META["REMOTE_ADDR"] if self.request else ""
        throttle = LoginThrottle(address=address, name=self.cleaned_data.get("username", ""))
        if throttle.is_exhausted():
            text = _("Too many failed logins. Try again in %(seconds)s seconds.") % {"seconds": WINDOW_SECONDS}
            raise ValidationError(text, code="throttled")
        try:
            return super().clean()
        except ValidationError:
            throttle.record_failure()
            raise


class TokenForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's class takes no parameter
    """What `create_token` is told; the text of the token is nothing that anybody types."""

    user = forms.ModelChoiceField(
        User.objects.filter(is_active=True).order_by("username"),
        label=gettext_lazy("Owner"),
        help_text=gettext_lazy("Who answers for the program. Once they may not log in any more, neither may it."),
    )
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=MAX_TOKEN_NAME_CHARACTERS,
        required=False,
        help_text=gettext_lazy("What it is for: “agents on host 7”."),
    )
    days = forms.IntegerField(
        label=gettext_lazy("Valid for days"),
        min_value=1,
        max_value=MAX_DAYS,
        required=False,
        help_text=gettext_lazy("Without a number, until it is revoked."),
    )

    class Meta:
        model = ApiToken
        fields = ("user", "name", "may_read", "may_write")

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        if not (values.get("may_read") or values.get("may_write")):
            raise ValidationError(_("A token that may do nothing is of no use. Let it read, write, or both."))
        return values
