"""Times that programs send: read by the domain's rules, and held against this server's clock."""

from __future__ import annotations

from datetime import datetime

from chatlog.domain.clock import parse_timestamp, utc_now
from chatlog.domain.limits import EARLIEST_TIMESTAMP, MAX_CLOCK_LEAD
from chatlog.errors import InvalidTimestamp
from dashboard.programs.problems import wrong_field


def read_time(text: str, *, field: str) -> datetime:
    """Raises `Problem`."""
    try:
        moment = parse_timestamp(text, field=field)
    except InvalidTimestamp as error:
        raise wrong_field(field, str(error).removeprefix(f"{field}: ")) from error
    now = utc_now()
    advice = "Set the sender's clock, or leave the time out."
    if moment > now + MAX_CLOCK_LEAD:
        message = f"is {moment - now} ahead of this server's clock; the limit is one day. {advice}"
        raise wrong_field(field, message, value=moment.isoformat(), limit=(now + MAX_CLOCK_LEAD).isoformat())
    if moment < EARLIEST_TIMESTAMP:
        message = f"is before {EARLIEST_TIMESTAMP:%Y-%m-%d}, when there were no agents. {advice}"
        raise wrong_field(field, message, value=moment.isoformat(), limit=EARLIEST_TIMESTAMP.isoformat())
    return moment
