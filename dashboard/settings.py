"""Django's settings. Every variable read here is described in `.env.example`; the store's own are read by `chatlog.config`."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
LOOPBACK_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
# Nothing a person sends here is larger than a small form.
MAX_BODY_BYTES = 1024 * 1024
API_PREFIX = "/api/v1/"
# A message as large as a store keeps, with every character escaped; or a list of a thousand of some 4 kB.
MAX_API_BODY_BYTES = 4 * 1024 * 1024
OTLP_PREFIX = "/v1/"
# Before and after decompression. Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp-request
MAX_OTLP_BODY_BYTES = 20 * 1024 * 1024

env = environ.Env()
env.read_env(BASE_DIR / ".env")  # what the environment says itself wins over the file


def _filled(name: str) -> bool:
    """An empty variable counts as unset, as in `chatlog.config`."""
    return bool(os.environ.get(name, "").strip())


def _text(name: str, default: str) -> str:
    return str(env.str(name)) if _filled(name) else default


def _list(name: str, default: list[str]) -> list[str]:
    return [entry.strip() for entry in env.list(name)] if _filled(name) else default


def _data_dir() -> Path:
    folder = Path(_text("CHATLOG_DATA_DIR", "data")).resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"CHATLOG_DATA_DIR={str(folder)!r} cannot be made: {error.strerror}. Name another."
        ) from error
    return folder


DATA_DIR = _data_dir()


def _secret_key() -> str:
    """The key from the environment, else one that this machine makes once and keeps for itself."""
    if _filled("SECRET_KEY"):
        return _text("SECRET_KEY", "")
    file = DATA_DIR / "secret_key"
    try:
        if not file.exists():
            _write_new_key(file)
        return file.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"SECRET_KEY is not set and none can be kept in {file}: {error.strerror}. "
            "Set SECRET_KEY, or let CHATLOG_DATA_DIR name a folder that can be written."
        ) from error


def _write_new_key(file: Path) -> None:
    # Linking a finished file into place: of two processes that start together both read the same, whole key.
    draft = file.with_name(f".secret_key.{os.getpid()}")
    draft.touch(mode=0o600, exist_ok=True)
    draft.write_text(secrets.token_urlsafe(50) + "\n")
    try:
        os.link(draft, file)
    except FileExistsError:
        pass  # the other process was first; its key is the one
    finally:
        draft.unlink()


def _database() -> dict[str, Any]:
    if _filled("DATABASE_URL"):
        database: dict[str, Any] = env.db_url("DATABASE_URL")
    else:
        database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(DATA_DIR / "dashboard.sqlite3")}
    if database["ENGINE"].endswith("sqlite3"):
        # IMMEDIATE: a transaction that reads first and writes later waits for its turn instead of failing with "locked".
        database["OPTIONS"] = {
            "timeout": 10,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
            **database.get("OPTIONS", {}),
        }
    return database


def _channel_layer() -> dict[str, Any]:
    if not _filled("REDIS_URL"):
        return {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    # The publish/subscribe layer: it takes its subscriptions up again after a restart of Redis, the classic one does not.
    return {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [{"address": _text("REDIS_URL", ""), "socket_connect_timeout": 2}], "prefix": "chatlog"},
    }


DEBUG = env.bool("DEBUG") if _filled("DEBUG") else False
SECRET_KEY = _secret_key()
ALLOWED_HOSTS = _list("ALLOWED_HOSTS", LOOPBACK_HOSTS)
CSRF_TRUSTED_ORIGINS = _list("CSRF_TRUSTED_ORIGINS", [])
HOST = _text("HOST", "127.0.0.1")
PORT = env.int("PORT") if _filled("PORT") else 8000

INSTALLED_APPS = [
    "daphne",  # first, so that its `runserver` speaks websockets
    "dashboard.apps.Administration",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "csp",
    "django_htmx",
    "dashboard",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",  # before whatever answers, so that no answer goes without its policy
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "dashboard.locale.times_in_viewers_zone",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",  # closed by default
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "dashboard.charges.charges_in_log",
    "dashboard.middleware.ErrorPages",
]
ROOT_URLCONF = "dashboard.urls"
ASGI_APPLICATION = "dashboard.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CHANNEL_LAYERS = {"default": _channel_layer()}
# Holds the counts of failed logins: enough entries that guessing many names does not push the counts out.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 20_000}},
}

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "session-list"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ja", "日本語")]  # each in its own words, for whoever reads no other
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = _text("TIME_ZONE", "UTC")
USE_TZ = True
USE_I18N = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        # While developing, files are served as they lie there; else under names with a hash, to be kept for ever.
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage" if DEBUG else "dashboard.static_files.HashedFiles",
    },
}
WHITENOISE_ALLOW_ALL_ORIGINS = False  # no other site has a use for these files

METRICS_TOKEN = _text("CHATLOG_METRICS_TOKEN", "")

DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES

# Loopback is plain http and stays on this machine. Any other name is reached through a proxy that speaks TLS, so cookies
# may not travel without it; the redirect to https and HSTS are that proxy's to say (see docs/deploying.md).
BEHIND_TLS = not DEBUG and any(host not in LOOPBACK_HOSTS for host in ALLOWED_HOSTS)
SESSION_COOKIE_SECURE = BEHIND_TLS
CSRF_COOKIE_SECURE = BEHIND_TLS
LANGUAGE_COOKIE_SECURE = BEHIND_TLS
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True  # forms and htmx take the token from the page
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008"]  # HSTS and the https redirect: the proxy's, see above

# No inline script, no inline style, no eval, nothing from elsewhere: hostile text that got through the sanitiser stays text.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
        "daphne": {"level": "WARNING"},
        # At INFO the Azure SDK prints every request's headers.
        "azure": {"level": "WARNING"},
    },
}
