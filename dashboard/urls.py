"""Where each page lives. Everything needs a login, except what is marked `login_not_required` in its view."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from dashboard.views import accounts, editing, health
from dashboard.views.export import list_export, session_export
from dashboard.views.search import search
from dashboard.views.session_detail import session_detail
from dashboard.views.session_list import session_list

urlpatterns = [
    path("", session_list, name="session-list"),
    path("sessions/<str:session_id>/", session_detail, name="session-detail"),
    path("sessions/<str:session_id>/export", session_export, name="session-export"),
    path("export", list_export, name="list-export"),
    path("sessions/<str:session_id>/star", editing.session_star, name="session-star"),
    path("sessions/<str:session_id>/edit", editing.session_edit, name="session-edit"),
    path("sessions/<str:session_id>/delete", editing.session_delete, name="session-delete"),
    path("sessions/<str:session_id>/restore", editing.session_restore, name="session-restore"),
    path("search/", search, name="search"),
    path("login/", accounts.Login.as_view(), name="login"),
    path("login/local/<str:token>", accounts.login_local, name="login-local"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
