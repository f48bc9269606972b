"""What a line says: a remark as it stands, one with its speaker in front, or one as a JSON object."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from chatlog.domain.clock import parse_timestamp
from chatlog.domain.models import MessageDraft
from chatlog.domain.text import replace_unstorable
from chatlog.errors import InvalidInput

_FIELDS = ("source", "content", "message_id", "timestamp", "kind", "models_usage", "metadata")
# What `tail --json` writes besides: the numbers of another session, which this one gives anew.
_PASSED_OVER = ("session_id", "sequence")
# A name is short, on one line, and followed by a colon and a space; the colon may be a full-width one.
_NAMED = re.compile(r"(?P<source>[^\s:：][^:：]{0,63}?)(?::[ \t]+|：[ \t]*)(?P<content>\S.*)")

Read = Callable[[str], MessageDraft]


def read_plain(source: str) -> Read:
    """Each line is a remark of that speaker. What no store keeps is replaced by U+FFFD."""
    return lambda line: MessageDraft(source=source, content=replace_unstorable(line))


def read_named(source: str) -> Read:
    """`name: text` is a remark by that name; a line without a name is one of whoever spoke before, at first `source`."""
    speaker = source

    def read(line: str) -> MessageDraft:
        nonlocal speaker
        text = replace_unstorable(line)
        if found := _NAMED.fullmatch(text.strip()):
            speaker = found["source"].strip()
            text = found["content"]
        return MessageDraft(source=speaker, content=text)

    return read


def read_json(source: str) -> Read:
    """An object with the fields of `Recorder.save`; one without a `source` is a remark of that speaker."""

    def read(line: str) -> MessageDraft:
        values = {name: value for name, value in _parse_object(line).items() if name not in _PASSED_OVER and value is not None}
        for name in values:
            if name not in _FIELDS:
                raise InvalidInput(name or "“”", f"is no field of a message. There are: {', '.join(_FIELDS)}.")
        if "content" not in values:
            raise InvalidInput("content", "is missing: what is said.")
        if "timestamp" in values:
            values["timestamp"] = parse_timestamp(values["timestamp"])
        return MessageDraft(**{"source": source, **values})

    return read


def _parse_object(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("line", f"is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise InvalidInput("line", f"must be a JSON object, not {type(value).__name__}.")
    return value
