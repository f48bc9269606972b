"""The two encodings of OTLP: an answer is in that of its request.

Answers have two fields at most and are written by hand: a server that refuses a body unread needs nothing else of protobuf.
Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp and https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import json
from enum import Enum
from typing import Any


class Encoding(Enum):
    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"


def find_encoding(content_type: str) -> Encoding | None:
    """What a Content-Type asks for, whatever parameters it has."""
    name = content_type.partition(";")[0].strip().lower()
    return next((encoding for encoding in Encoding if encoding.value == name), None)


def describe_success(encoding: Encoding, *, refused: int, why: str) -> bytes:
    """An `ExportTraceServiceResponse`: empty, or with how many spans were refused."""
    if encoding is Encoding.JSON:
        partial = {"rejectedSpans": str(refused), "errorMessage": why}
        return _json({"partialSuccess": partial} if refused else {})
    partial_success = b"\x08" + _varint(refused) + _text_field(2, why)
    return b"\x0a" + _varint(len(partial_success)) + partial_success if refused else b""


def describe_failure(content_type: str, text: str) -> tuple[str, bytes]:
    """Content type and body of a refusal, for a request of that content type: a `google.rpc.Status` with its message."""
    encoding = find_encoding(content_type) or Encoding.JSON
    if encoding is Encoding.JSON:
        return encoding.value, _json({"message": text})
    return encoding.value, _text_field(2, text)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode(errors="replace")


def _text_field(number: int, text: str) -> bytes:
    """A field of protobuf that has a length."""
    value = text.encode(errors="replace")
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
