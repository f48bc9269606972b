"""`manage.py` that waits half a second for a body to come to its end."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

if __name__ == "__main__":
    import django

    django.setup()
    from django.core.management import execute_from_command_line

    from dashboard import bounded_http

    bounded_http.BODY_SECONDS = 0.5
    execute_from_command_line(sys.argv)
