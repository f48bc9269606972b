"""The scripts' words, for `base.html`."""

from __future__ import annotations

from django import template

from dashboard import script_words as all_words

register = template.Library()


@register.simple_tag
def script_words() -> dict[str, str | dict[str, str]]:
    return all_words.script_words()
