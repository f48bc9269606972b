"""Where each page lives. Everything needs a login, except what is marked `login_not_required` in its view."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LogoutView
from django.urls import path
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from dashboard.api import v1
from dashboard.otlp.receiving import otlp_traces
from dashboard.views import accounts, editing, health, session_parts
from dashboard.views.api_docs import api_docs
from dashboard.views.export import list_export, session_export
from dashboard.views.live import live
from dashboard.views.metrics import metrics
from dashboard.views.search import search
from dashboard.views.session_detail import session_detail
from dashboard.views.session_list import session_list
from dashboard.views.usage import usage, usage_csv, usage_figures

urlpatterns = [
    path("", session_list, name="session-list"),
    path("sessions/<str:session_id>/", session_detail, name="session-detail"),
    path("sessions/<str:session_id>/find", session_parts.session_find, name="session-find"),
    path("sessions/<str:session_id>/messages/<str:number>.md", session_parts.session_message, name="session-message"),
    path("sessions/<str:session_id>/newer", session_parts.session_newer, name="session-newer"),
    path("sessions/<str:session_id>/older", session_parts.session_older, name="session-older"),
    path("sessions/<str:session_id>/read", session_parts.session_read, name="session-read"),
    path("sessions/<str:session_id>/export", session_export, name="session-export"),
    path("export", list_export, name="list-export"),
    path("sessions/<str:session_id>/star", editing.session_star, name="session-star"),
    path("sessions/<str:session_id>/edit", editing.session_edit, name="session-edit"),
    path("sessions/<str:session_id>/delete", editing.session_delete, name="session-delete"),
    path("sessions/<str:session_id>/restore", editing.session_restore, name="session-restore"),
    path("live/", live, name="live"),
    path("search/", search, name="search"),
    path("usage/", usage, name="usage"),
    path("usage/figures", usage_figures, name="usage-figures"),
    path("usage/<str:name>.csv", usage_csv, name="usage-csv"),
    path("docs/api/", api_docs, name="api-docs"),
    path("login/", accounts.Login.as_view(), name="login"),
    path("login/local/<str:token>", accounts.login_local, name="login-local"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("language/", login_not_required(require_POST(set_language)), name="set_language"),
    path(settings.API_PREFIX.lstrip("/"), v1.list_urls()),
    path("admin/", admin.site.urls),
    path(f"{settings.OTLP_PREFIX.lstrip('/')}traces", otlp_traces, name="otlp-traces"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
