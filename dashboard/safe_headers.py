"""The headers of answers that hold nothing for a browser to run, whatever somebody managed to get into them."""

from __future__ import annotations


def safe_headers(content_type: bytes) -> list[tuple[bytes, bytes]]:
    return [
        (b"Content-Type", content_type),
        (b"Content-Security-Policy", b"default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
        (b"X-Content-Type-Options", b"nosniff"),
        (b"X-Frame-Options", b"DENY"),
        (b"Referrer-Policy", b"same-origin"),
        (b"Cross-Origin-Opener-Policy", b"same-origin"),
    ]
