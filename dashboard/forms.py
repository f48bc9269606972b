"""Forms that people fill in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from dashboard.login_throttle import WINDOW_SECONDS, LoginThrottle


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
