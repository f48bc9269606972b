"""The Django apps of the site: its own, and the administration with the rules of the site."""

from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin import apps as admin  # not its class: Django would find two of them in this module


class DashboardConfig(AppConfig):
    name = "dashboard"
    verbose_name = "chatlog"

    def ready(self) -> None:
        from dashboard import checks  # noqa: F401, PLC0415  # registers the checks, once Django's apps are there


class Administration(admin.AdminConfig):
    default_site = "dashboard.admin_site.Administration"
    default = False
