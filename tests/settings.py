"""The site's settings, for tests: nothing of this machine's `.env` and data folder, everything in a temporary one."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_folder = Path(tempfile.mkdtemp(prefix="chatlog-tests-"))
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
_cleared = ("DATABASE_URL", "REDIS_URL", "DEBUG", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "HOST", "PORT", "TIME_ZONE")
os.environ.update(dict.fromkeys(_cleared, ""), CHATLOG_DATA_DIR=str(_folder), SECRET_KEY="only-for-tests-" * 4)

from dashboard.settings import *  # noqa: E402, F403  # the environment has to be there before
from dashboard.settings import DATABASES, STORAGES  # noqa: E402  # named, for the reader and the linter

# A file: an in-memory database shared by threads answers "table is locked" instead of waiting.
DATABASES["default"]["TEST"] = {"NAME": str(_folder / "test.sqlite3")}
STATIC_ROOT = _folder / "staticfiles"
STATIC_ROOT.mkdir()
# As while developing: pages are tested without collecting files first. The hashed names have a test of their own.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # tests log in often
