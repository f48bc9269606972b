"""The one Django app of the site."""

from __future__ import annotations

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "dashboard"
    verbose_name = "chatlog dashboard"

    def ready(self) -> None:
        from dashboard import checks  # noqa: F401, PLC0415  # registers the checks, once Django's apps are there
