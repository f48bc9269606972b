"""Logging in: by name and password, or, on this machine, by a link that works once."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from datetime import timedelta

from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from dashboard.forms import LoginForm
from dashboard.login_throttle import WINDOW_SECONDS
from dashboard.models import LoginLink

LINK_LIFETIME = timedelta(hours=1)
_LOOPBACK_NAMES = {"localhost", "127.0.0.1", "[::1]"}
_FORWARDING_HEADERS = {"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"}


class Login(LoginView):
    form_class = LoginForm
    redirect_authenticated_user = True

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_invalid(form)
        if form.has_error(NON_FIELD_ERRORS, code="throttled"):
            response.status_code = 429
            response["Retry-After"] = str(WINDOW_SECONDS)
        return response


def create_login_link(user: User) -> str:
    """The path of a link that logs `user` in once, within an hour, from this machine only."""
    LoginLink.objects.filter(expires_at__lte=timezone.now()).delete()
    token = secrets.token_urlsafe(32)
    LoginLink.objects.create(token_hash=_hash(token), user=user, expires_at=timezone.now() + LINK_LIFETIME)
    return reverse("login-local", args=[token])


@login_not_required
@never_cache
@require_GET
def login_local(request: HttpRequest, token: str) -> HttpResponse:
    user = _take_link(token) if _is_from_this_machine(request) else None
    if user is None:
        message = _("This link has been used, has expired, or was opened on another machine. Log in with name and password.")
        return render(request, "404.html", {"message": message}, status=404)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("session-list")


def _take_link(token: str) -> User | None:
    link = LoginLink.objects.filter(token_hash=_hash(token), expires_at__gt=timezone.now(), user__is_active=True).first()
    if link is None:
        return None
    # Of two requests with the same token, one deletes the row and gets in.
    deleted, _by_model = LoginLink.objects.filter(pk=link.pk).delete()
    return link.user if deleted else None


def _is_from_this_machine(request: HttpRequest) -> bool:
    """Not only by its address: behind a proxy on this machine, everybody comes from loopback."""
    if _FORWARDING_HEADERS & set(request.headers):
        return False
    name, _colon, port = request.get_host().rpartition(":")
    host = name if name and port.isdigit() else request.get_host()
    return host in _LOOPBACK_NAMES and _is_loopback(request.META["REMOTE_ADDR"])


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:  # a unix socket has no address
        return False


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
