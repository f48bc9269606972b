"""Short texts of agents, such as names and titles, on a page. What they say at length is `dashboard.rendering`'s."""

from __future__ import annotations

from django import template

from chatlog.domain.hidden import show_hidden

register = template.Library()
register.filter("visible", show_hidden, is_safe=False)
