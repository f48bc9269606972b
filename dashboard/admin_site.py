"""Django's administration behind the site's own door: one login page with its throttle, one way out, one theme."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth.views import LogoutView
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, URLResolver
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class Administration(AdminSite):
    site_title = "chatlog"
    site_header = "chatlog"
    index_title = gettext_lazy("Administration")
    enable_nav_sidebar = False  # three kinds of things need none
    final_catch_all_view = False  # what is not there is the same 404 as everywhere

    def get_urls(self) -> list[Any]:
        urls = super().get_urls()
        _let_in_by_the_site(urls)
        return urls

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Where Django sends whoever may not see a page: never a second form for passwords.

        Nobody gets here without a login, so who is no staff has none that would do.
        """
        if self.has_permission(request):
            return redirect("admin:index")
        return render(request, "403.html", {"message": _("The administration is for members of staff.")}, status=403)

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:  # type: ignore[override]  # a redirect is no page of a template
        return LogoutView.as_view()(request)


def _let_in_by_the_site(routes: Iterable[URLPattern | URLResolver]) -> None:
    """Django marks the views of its administration with a login page of their own, for LoginRequiredMiddleware."""
    for route in routes:
        if isinstance(route, URLResolver):
            _let_in_by_the_site(route.url_patterns)
        elif hasattr(route.callback, "login_url"):
            route.callback.login_url = settings.LOGIN_URL
