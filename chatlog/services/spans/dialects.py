"""Which dialect a span speaks: the first that fits."""

from __future__ import annotations

from collections.abc import Callable

from chatlog.services.spans.autogen_runtime import is_autogen_runtime, read_autogen_runtime
from chatlog.services.spans.genai import is_genai, read_genai
from chatlog.services.spans.openinference import is_openinference, read_openinference
from chatlog.services.spans.reading import Reading
from chatlog.services.spans.span import Span

_DIALECTS: tuple[tuple[Callable[[Span], bool], Callable[[Span], Reading]], ...] = (
    (is_autogen_runtime, read_autogen_runtime),
    (is_openinference, read_openinference),
    (is_genai, read_genai),
)


def read(span: Span) -> Reading | None:
    """What a span tells; `None` for one that has nothing to do with agents."""
    return next((read_it(span) for fits, read_it in _DIALECTS if fits(span)), None)
