"""From what spans tell to remarks, each of them once.

A span that asks a model holds the whole conversation so far, agents repeat what their models said, and exporters send again
what may have been lost. What is new is decided so:

* What a model answers is new; its id is the span's. (Unless a span inside this one told it: two instrumentations at work.)
  Others may say the same words at the same time, so only a span that is known to be inside this one counts.
* Of what a model is given, only what follows its last answer can be new. Everything before was new to an earlier call.
* What an agent gives back is new if nobody said it inside. It mostly is a repetition, so that all that may be inside counts.
* A call of a tool has one result, whoever tells it first; or as many as one agent gives back that differ.
* An error goes up through the spans around: it is new unless one inside told it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile

from chatlog.domain.models import MessageDraft, MessageKind
from chatlog.services.spans.drafting import Frame, draft, fixed_id
from chatlog.services.spans.heard import Heard
from chatlog.services.spans.lineage import Inside, Lineage
from chatlog.services.spans.marks import Where, during, everything, may_repeat, nothing, words_of
from chatlog.services.spans.moments import to_moment
from chatlog.services.spans.placing import Placed
from chatlog.services.spans.reading import Part, Relayed, Role, Work

# A runtime hands on what a model said a moment before; and the error that ended an agent a moment after.
ECHO = timedelta(seconds=60)
_NOTHING: Mapping[tuple[str | None, str], int] = {}
_UNRECORDED = "Answered. What was said is not in its span: its instrumentation has to be told to record content."


class Telling:
    """Tells the spans of one discussion; learns what it tells.

    Args:
        heard: what the discussion has already.
        lineage: how the spans of its traces are nested.
        now: the time of what has none that can be.

    Attributes:
        contradictions: what was not told, because other words are there under its id.
    """

    def __init__(self, heard: Heard, *, lineage: Lineage, now: datetime) -> None:
        self._heard = heard
        self._lineage = lineage
        self._now = now
        self.contradictions: list[MessageDraft] = []

    def tell(self, placed: list[Placed]) -> Iterator[MessageDraft]:
        """The remarks that are new, in the order of time."""
        frames = [self._frame(each) for each in placed]
        # Of a span that began and ended in one moment, what it was given comes before what came of it. The span's own times
        # keep those in order whose clock is so wrong that they are all said now.
        moments = [(frame.start, frame.span.start, 0, number) for number, frame in enumerate(frames)]
        moments += [(frame.end, frame.span.end, 1, number) for number, frame in enumerate(frames)]
        for _, _, is_end, number in sorted(moments):
            for told in self._ending(frames[number]) if is_end else self._beginning(frames[number]):
                if self._heard.contradicts(told):
                    self.contradictions.append(told)
                else:
                    self._heard.learn(told)
                    yield told

    def _frame(self, placed: Placed) -> Frame:
        start = to_moment(placed.span.start, now=self._now)
        return Frame(placed=placed, start=start, end=max(start, to_moment(placed.span.end, now=self._now)))

    def _beginning(self, frame: Frame) -> Iterator[MessageDraft]:
        if frame.work in {Work.MODEL, Work.AGENT}:
            yield from self._given(frame)
        for relayed in frame.reading.relayed:
            yield from self._relayed(frame, relayed)

    def _ending(self, frame: Frame) -> Iterator[MessageDraft]:
        match frame.work:
            case Work.MODEL:
                yield from self._answer(frame)
            case Work.AGENT:
                yield from self._outcome(frame)
            case Work.TOOL:
                yield from self._use(frame)
            case Work.RELAY:
                yield from self._relayed_errors(frame)
        yield from self._error(frame)

    def _given(self, frame: Frame) -> Iterator[MessageDraft]:
        """What is new to a model: what follows its last answer."""
        heard = [part for part in frame.reading.heard if part.role is not Role.INSTRUCTIONS]
        new = list(takewhile(lambda part: part.role is not Role.MODEL, reversed(heard)))[::-1]
        in_all = Counter(_raw(part) for part in heard[: len(heard) - len(new)])
        in_new: Counter[tuple[str, str]] = Counter()
        for part in new:
            in_all[_raw(part)] += 1
            in_new[_raw(part)] += 1
            if part.kind == MessageKind.TOOL_RESULT and part.call_id is not None:
                yield from self._result(frame, part, at=frame.start)
            else:
                yield from self._question(frame, part, in_new=in_new[_raw(part)], in_all=in_all[_raw(part)])

    def _question(self, frame: Frame, part: Part, *, in_new: int, in_all: int) -> Iterator[MessageDraft]:
        source = part.speaker or (frame.speaker if part.role is Role.TOOL else "user")
        trace_id = frame.span.trace_id
        words = words_of(draft(frame, part, type_="given", source=source, at=frame.start))
        if not self._heard.was_asked(words, trace_id=trace_id, time_in_new=in_new, time_in_all=in_all):
            said_id = fixed_id(trace_id, *words, in_all)
            notes = {"occurrence": in_all}
            yield draft(frame, part, type_="given", source=source, at=frame.start, said_id=said_id, notes=notes)

    def _answer(self, frame: Frame) -> Iterator[MessageDraft]:
        parts = frame.reading.said
        if not parts and frame.reading.usage and not frame.span.failed:
            parts = (Part(kind=MessageKind.EVENT, text=_UNRECORDED),)
        told = []
        inside = self._inside(frame, if_open=nothing)
        for number, part in enumerate(parts):
            if part.kind != MessageKind.TOOL_RESULT:
                one = draft(frame, part, type_="model", source=part.speaker or frame.speaker, said_id=frame.id_of(number))
                is_told = self._heard.count(words_of(one), inside, source=one.source, teller="model")
                if not is_told and not self._heard.knows(one):
                    told.append(one)
        yield from frame.with_usage(told)

    def _outcome(self, frame: Frame) -> Iterator[MessageDraft]:
        """What an agent gives back."""
        usage_is_told = self._heard.has_usage(self._inside(frame, if_open=may_repeat(frame.speaker)))
        told: list[MessageDraft] = []
        times: Counter[tuple[str, str]] = Counter()
        results: defaultdict[str | None, set[str]] = defaultdict(set)
        beside: Counter[tuple[str | None, str]] = Counter()
        for number, part in enumerate(frame.reading.said):
            if part.kind == MessageKind.TOOL_RESULT:
                results[part.call_id].add(part.text)
                new = list(self._result(frame, part, at=frame.end, time=len(results[part.call_id]), beside=beside))
                beside[part.call_id, part.kind] += len(new)
                told += new
                continue
            one = draft(frame, part, type_="agent", source=part.speaker or frame.speaker, said_id=frame.id_of(number))
            words = words_of(one)
            inside = self._inside(frame, if_open=may_repeat(one.source))
            times[words] += 1
            if part.call_id is not None and self._heard.was_called(part.call_id, inside):
                continue
            while_at_work = self._heard.count(words, inside)
            if while_at_work < times[words] and not self._heard.knows(one):
                beside[part.call_id, part.kind] += 1
                told.append(one)
        yield from told if usage_is_told else frame.with_usage(told)

    def _use(self, frame: Frame) -> Iterator[MessageDraft]:
        """A tool's work: a call that no model made, the result, and to whom it hands over."""
        call_id = self._call_of(frame)
        times: Counter[str] = Counter()
        for number, part in enumerate(frame.reading.said):
            times[part.kind] += 1
            at = frame.start if part.kind == MessageKind.TOOL_CALL else frame.end
            source, notes = part.speaker or frame.speaker, {"call_id": part.call_id or self._called_for(part)}
            one = draft(frame, part, type_="tool", source=source, said_id=frame.id_of(number), at=at, notes=notes)
            if self._heard.contradicts(one):
                yield one
                continue
            if self._heard.count_told(frame.span.span_id, part.kind) >= times[part.kind]:
                continue  # it was sent before, and perhaps not all of it was stored
            if part.kind == MessageKind.TOOL_CALL and call_id in self._heard.calls:
                continue
            if part.kind == MessageKind.TOOL_RESULT and call_id is not None:
                yield from self._result(frame, part, at=frame.end, call_id=call_id)
                continue
            yield one

    def _call_of(self, frame: Frame) -> str | None:
        """The id of the call that a tool worked for."""
        parts = frame.reading.said
        if own_id := next((part.call_id for part in parts if part.call_id), None):
            return own_id
        call = next((part for part in parts if part.kind == MessageKind.TOOL_CALL), None)
        tool = next((part.tool for part in parts if part.tool), None)
        if tool is None:
            return None
        words = None if call is None else words_of(draft(frame, call, type_="tool", source=frame.speaker))
        return self._heard.find_call(tool, words, end=frame.end)

    def _called_for(self, part: Part) -> str | None:
        """The call that a hand-over is the result of, unless that has one."""
        target = part.notes.get("target")
        return self._heard.find_handing_call(target) if isinstance(target, str) else None

    def _result(
        self,
        frame: Frame,
        part: Part,
        *,
        at: datetime,
        call_id: str | None = None,
        time: int = 1,
        beside: Mapping[tuple[str | None, str], int] = _NOTHING,
    ) -> Iterator[MessageDraft]:
        """The result of a call, if it is new.

        Args:
            call_id: of the call, where the part does not say.
            time: which result of that call it is among those that come with it and differ.
            beside: how many calls and results are about to be told and not learned yet, by call id and kind.
        """
        call_id = call_id or part.call_id
        call = self._heard.calls.get(call_id or "")
        made = (len(call.made) if call else 0) + beside.get((call_id, MessageKind.TOOL_CALL), 0)
        answered = (call.answered if call else 0) + beside.get((call_id, MessageKind.TOOL_RESULT), 0)
        if call_id is None or answered >= max(made, time):
            return
        yield draft(
            frame,
            replace(part, call_id=call_id, tool=part.tool or (call.tool if call else "tool")),
            type_="tool",
            source=call.source if call else frame.speaker,
            said_id=fixed_id(frame.span.trace_id, "result", call_id, answered),
            at=at,
        )

    def _relayed(self, frame: Frame, relayed: Relayed) -> Iterator[MessageDraft]:
        at = relayed.at or frame.start
        told = []
        for number, part in enumerate(relayed.parts):
            said_id = f"{relayed.said_id}.{number}" if number else relayed.said_id
            one = draft(frame, part, type_="relay", source=relayed.speaker, said_id=said_id, at=at)
            if self._heard.knows(one):
                continue
            if part.kind == MessageKind.TOOL_RESULT and part.call_id in self._heard.calls:
                call = self._heard.calls[part.call_id]
                if call.answered < len(call.made):
                    told.append(one)
            elif not self._heard.count(words_of(one), during(at - ECHO, at), teller="model"):
                told.append(one)
        yield from frame.with_usage(told, usage=relayed.usage)

    def _relayed_errors(self, frame: Frame) -> Iterator[MessageDraft]:
        for number, part in enumerate(frame.reading.said):
            one = draft(frame, part, type_="relay", source=frame.speaker, said_id=frame.id_of(number))
            if not self._heard.has_error_of(one.content, during(frame.start - ECHO, frame.end)):
                yield one

    def _error(self, frame: Frame) -> Iterator[MessageDraft]:
        text = frame.failure()
        if text is None or frame.work is Work.RELAY:
            return
        part = Part(kind=MessageKind.ERROR, text=text)
        one = draft(frame, part, type_="error", source=frame.speaker, said_id=frame.id_of("error"))
        inside = self._inside(frame, if_open=nothing if frame.work in {Work.MODEL, Work.TOOL} else everything)
        if not self._heard.has_error_of(one.content, inside) and not self._heard.knows(one):
            yield one

    def _inside(self, frame: Frame, *, if_open: Where) -> Inside:
        return Inside(frame.span, frame.start, frame.end, self._lineage, if_open)


def _raw(part: Part) -> tuple[str, str]:
    return part.kind, part.text.strip()
