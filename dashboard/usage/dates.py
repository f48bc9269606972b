"""Days as people write them, in their language."""

from __future__ import annotations

from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from dashboard.usage.spans import Span, Step


def say_day(day: date) -> str:
    """`Mon, 23 Nov 2026`."""
    # Translators: a form of Django's date filter, see https://docs.djangoproject.com/en/5.2/ref/templates/builtins/#date
    return date_format(day, pgettext("form of a date", "D, j M Y"))


def say_month(day: date) -> str:
    """`Nov 2026`."""
    # Translators: a form of Django's date filter
    return date_format(day, pgettext("form of a date", "M Y"))


def say_days(first: date, last: date) -> str:
    """`25 Oct – 23 Nov 2026`, `23 Nov 2026`."""
    # Translators: a form of Django's date filter
    whole = pgettext("form of a date", "j M Y")
    if first == last:
        return date_format(last, whole)
    # Translators: a form of Django's date filter
    short = pgettext("form of a date", "j M")
    same_year = first.year == last.year
    # Where the year stands first, the first day needs it and the last one does not.
    year_leads = whole.startswith(("Y", "y"))
    forms = (short if same_year and not year_leads else whole, short if same_year and year_leads else whole)
    return _("%(first)s – %(last)s") % {"first": date_format(first, forms[0]), "last": date_format(last, forms[1])}


def say_span(span: Span, step: Step) -> str:
    """What a bar stands for: a day with its weekday, a whole month by its name, other days from the first to the last."""
    if step is Step.DAY:
        return say_day(span.first)
    if step is Step.MONTH and _is_whole_month(span):
        return say_month(span.first)
    return say_days(span.first, span.last)


def label_below(span: Span, step: Step) -> str:
    """What stands under a bar: `23 Nov`, `Nov`, `2026`."""
    if step is Step.DAY:
        # Translators: a form of Django's date filter, under a chart, where there is room for five characters or six
        return date_format(span.first, pgettext("short form of a date", "j M"))
    # Translators: a form of Django's date filter, under a chart, where there is room for eight characters
    return date_format(span.first, pgettext("short form of a month", "M Y")) if step is Step.WEEK else str(span.first.year)


def _is_whole_month(span: Span) -> bool:
    following = date.fromordinal(span.last.toordinal() + 1)
    return span.first.day == 1 and following.day == 1
