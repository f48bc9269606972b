"""The scripts' words, for `base.html`, and times as all pages write them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import template

from dashboard import script_words as all_words
from dashboard import wording

register = template.Library()


@register.simple_tag
def script_words() -> dict[str, str | dict[str, str]]:
    return all_words.script_words()


@register.filter(expects_localtime=True)
def exactly(time: datetime) -> str:
    """`2026-11-23 14:30:22 JST`. Django's `date` leaves the zone out in the hour that comes twice, where it matters most."""
    return f"{time:%Y-%m-%d %H:%M:%S %Z}"


@register.filter
def roughly(length: timedelta) -> str:
    """`5 min`, `2 h`, `3 days`."""
    return wording.say_roughly(length)
