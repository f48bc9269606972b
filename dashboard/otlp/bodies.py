"""Bodies as they were before they were compressed, and never more of them than may be."""

from __future__ import annotations

import zlib

from django.conf import settings

from dashboard.programs.problems import Problem

# How zlib is told what is around the compressed data. Exporters send one of these; gzip is the one in the specification.
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}

# A body may be in several compressed pieces, and zlib copies what follows each of them: millions would never end.
MAX_PIECES = 20


def decompress(body: bytes, encoding: str) -> bytes:
    """Raises `Problem`: an encoding that is not known, data that is broken, or more than the limit."""
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return body
    if name not in _WINDOWS:
        known = ", ".join(_WINDOWS)
        raise Problem(415, f"Content-Encoding: {encoding[:40]!r} is not understood. Send one of {known}, or the body as it is.")
    try:
        return _inflate(body, _WINDOWS[name])
    except zlib.error as error:
        raise Problem(400, f"The body is not {name}: {error}.") from error


def _inflate(body: bytes, window: int) -> bytes:
    limit = settings.MAX_OTLP_BODY_BYTES
    pieces: list[bytes] = []
    left = limit
    while body:
        if len(pieces) == MAX_PIECES:
            raise Problem(400, f"The body is compressed in more than {MAX_PIECES} pieces. Compress it as one.")
        inflating = zlib.decompressobj(window)
        pieces.append(inflating.decompress(body, left + 1))
        left -= len(pieces[-1])
        if left < 0:
            raise Problem(413, f"The body is larger than {limit} bytes when it is decompressed. Export smaller batches.")
        if not inflating.eof:
            raise Problem(400, "The body ends before its compressed data does.")
        body = inflating.unused_data
    return b"".join(pieces)
