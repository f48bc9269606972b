"""`manage.py serve` with nothing between agents' text and the page but the Content-Security-Policy.

Raw HTML in Markdown, no sanitiser, no escaping: what the policy alone is worth.
"""

from __future__ import annotations

import os
import sys
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")


def as_it_is(html: str, **_: Any) -> str:
    return html


if __name__ == "__main__":
    import django
    from django.conf import settings

    settings.TEMPLATES[0]["OPTIONS"]["autoescape"] = False
    django.setup()
    from django.core.management import call_command

    from dashboard import rendering

    rendering.nh3.clean = as_it_is
    rendering.escape = as_it_is
    rendering._MARKDOWN.options["html"] = True
    call_command("serve", *sys.argv[1:])
