"""What `manage.py check` and `serve` say about settings that would leave the site open or unreachable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, register
from django.core.checks import Warning as CheckWarning

from chatlog.config import StoreSettings
from chatlog.errors import ConfigurationError

MIN_TOKEN_CHARACTERS = 20


@register(Tags.security)
def check_allowed_hosts(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        Error(
            "ALLOWED_HOSTS=* would let any web site that points its name at this server act as its visitors.",
            hint="List the names people type into their browser, such as ALLOWED_HOSTS=chatlog.example.org",
            id="dashboard.E001",
        )
    ]


@register(Tags.security)
def check_debug(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    if not settings.DEBUG or all(host in settings.LOOPBACK_HOSTS for host in settings.ALLOWED_HOSTS):
        return []
    return [
        Error(
            "DEBUG is on while ALLOWED_HOSTS names more than this machine: error pages would show settings and code.",
            hint="Unset DEBUG.",
            id="dashboard.E002",
        )
    ]


@register(Tags.security)
def check_trusted_origins(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Behind a proxy that speaks TLS, Django sees plain http and would take the page's own origin for a foreign one."""
    if not settings.BEHIND_TLS or any(origin.startswith("https://") for origin in settings.CSRF_TRUSTED_ORIGINS):
        return []
    return [
        CheckWarning(
            "ALLOWED_HOSTS names a public host, but CSRF_TRUSTED_ORIGINS has no https address: "
            "logging in and live pages will be refused.",
            hint="Set it to the address people see, such as CSRF_TRUSTED_ORIGINS=https://chatlog.example.org",
            id="dashboard.W001",
        )
    ]


@register(Tags.security)
def check_metrics_token(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    if not settings.METRICS_TOKEN or len(settings.METRICS_TOKEN) >= MIN_TOKEN_CHARACTERS:
        return []
    return [
        CheckWarning(
            f"CHATLOG_METRICS_TOKEN has fewer than {MIN_TOKEN_CHARACTERS} characters and can be guessed.",
            hint="Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
            id="dashboard.W002",
        )
    ]


@register()
def check_store_settings(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    try:
        where = StoreSettings.from_env()
    except ConfigurationError as error:
        return [Error(str(error), hint="The variables are described in .env.example.", id="dashboard.E003")]
    if where.cosmos is None or not where.cosmos.read_only:
        return []
    return [
        Info(
            f"The container {where.cosmos.database_name}/{where.cosmos.container_name} is only watched (COSMOSDB_READ_ONLY), "
            f"and mirrored into {where.mirror_path}.",
            hint="If things expire there, the log and the pages say so; what expires while no site runs is not seen.",
            id="dashboard.I001",
        )
    ]
