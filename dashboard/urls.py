"""Where each page lives. Everything needs a login, except what is marked `login_not_required` in its view."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from dashboard.views import accounts, health
from dashboard.views.search import search
from dashboard.views.session_detail import session_detail
from dashboard.views.session_list import session_list

urlpatterns = [
    path("", session_list, name="session-list"),
    path("sessions/<str:session_id>/", session_detail, name="session-detail"),
    path("search/", search, name="search"),
    path("login/", accounts.Login.as_view(), name="login"),
    path("login/local/<str:token>", accounts.login_local, name="login-local"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
