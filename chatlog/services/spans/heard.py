"""What a discussion has in it already, as far as spans may tell it once more.

Everything here is found in the stored messages themselves (their ids, times and notes), so that it can be forgotten and read
again: after a restart, or because another process has stored some.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice

from chatlog.domain.models import Message, MessageDraft, MessageKind
from chatlog.services.spans.marks import Mark, Where, Words, mark_of, text_note, words_of

# Spans that tell something again come within minutes. More than this of a longer discussion need not be kept in memory.
MOST_REMEMBERED = 10_000
# Of the same words said very often, as many are looked at: those before were said before any span that ends now began.
_MOST_COMPARED = 200
# A shorter text of an error is found in too many others; of a longer one the beginning says what happened.
_SHORTEST_CAUSE, _LONGEST_CAUSE = 10, 1_000


@dataclass(slots=True)
class Call:
    """A call of a tool, or several that have one id: some models number theirs from one in each answer.

    Attributes:
        words: of the call, or of its result if nobody told the call.
        made: each time it was made, the last one at `made_at`.
        answered: how many results it has, the last one from `answered_at`.
    """

    tool: str
    source: str
    words: Words
    made_at: datetime
    made: list[Mark] = field(default_factory=list)
    answered: int = 0
    answered_at: datetime | None = None


@dataclass(slots=True)
class _Asked:
    count: int = 0
    furthest: int = 0


class Heard:
    """The remarks of one discussion, to be asked whether something was said."""

    def __init__(self) -> None:
        self._marks: OrderedDict[str, Mark] = OrderedDict()
        self._by_words: defaultdict[Words, list[Mark]] = defaultdict(list)
        self._asked: defaultdict[tuple[str | None, Words], _Asked] = defaultdict(_Asked)
        self.calls: dict[str, Call] = {}
        self._open: dict[str, None] = {}
        self._errors: deque[tuple[Mark, str]] = deque(maxlen=_MOST_COMPARED)
        self._by_tools: Counter[tuple[str, str]] = Counter()

    def learn(self, remark: MessageDraft | Message) -> None:
        """Note a remark, once."""
        if remark.message_id in self._marks:
            return
        mark = mark_of(remark)
        self._marks[remark.message_id] = mark
        self._by_words[mark.words].append(mark)
        asked = self._asked[mark.trace_id, mark.words]
        asked.count += 1
        occurrence = remark.metadata.get("occurrence")
        asked.furthest = max(asked.furthest, occurrence if isinstance(occurrence, int) else 1)
        if remark.kind == MessageKind.ERROR:
            self._errors.append((mark, remark.content.strip()[:_LONGEST_CAUSE]))
        if mark.teller == "tool" and mark.span_id is not None:
            self._by_tools[mark.span_id, remark.kind] += 1
        self._learn_call(remark, mark)
        if len(self._marks) > MOST_REMEMBERED:
            self._forget_oldest()

    def __len__(self) -> int:
        """How many remarks are remembered."""
        return len(self._marks)

    def knows(self, remark: MessageDraft) -> bool:
        """Whether this remark is there, by whomever it was said: its words under its id."""
        mark = self._marks.get(remark.message_id)
        return mark is not None and mark.words == words_of(remark)

    def contradicts(self, remark: MessageDraft) -> bool:
        """Whether other words are there under its id."""
        return remark.message_id in self._marks and not self.knows(remark)

    def count(self, words: Words, where: Where, *, source: str | None = None, teller: str = "") -> int:
        """How often these words were said there; by that speaker and told by that work, if given."""
        return sum(
            source in (None, mark.source) and teller in ("", mark.teller) and where(mark)
            for mark in self._by_words.get(words, [])[-_MOST_COMPARED:]
        )

    def has_error_of(self, text: str, where: Where) -> bool:
        """Whether an error was told there that this is, or was made of on its way up."""
        return any(where(mark) and _is_made_of(text, cause) for mark, cause in self._errors)

    def was_called(self, call_id: str, where: Where) -> bool:
        """Whether this call was made there."""
        call = self.calls.get(call_id)
        return call is not None and any(map(where, call.made[-_MOST_COMPARED:]))

    def count_told(self, span_id: str, kind: str) -> int:
        """How many remarks of that kind a tool's span told."""
        return self._by_tools[span_id, kind]

    def was_asked(self, words: Words, *, trace_id: str, time_in_new: int, time_in_all: int) -> bool:
        """Whether a model of this trace was given these words before, in this place.

        Args:
            time_in_new: which time they occur among what is new to the model.
            time_in_all: which time they occur in all that it is given.
        """
        asked = self._asked.get((trace_id, words))
        return asked is not None and asked.count >= time_in_new and asked.furthest >= time_in_all

    def list_times(self, trace_ids: Collection[str]) -> dict[str, list[datetime]]:
        """When something of these traces was said, in order."""
        times: defaultdict[str, list[datetime]] = defaultdict(list)
        for mark in self._marks.values() if trace_ids else ():
            if mark.trace_id is not None and mark.trace_id in trace_ids:
                times[mark.trace_id].append(mark.at)
        return {trace_id: sorted(found) for trace_id, found in times.items()}

    def has_usage(self, where: Where) -> bool:
        """Whether tokens are told there already."""
        recent = islice(reversed(self._marks.values()), _MOST_COMPARED)
        return any(mark.has_usage and where(mark) for mark in recent)

    def find_call(self, tool: str, words: Words | None, *, end: datetime) -> str | None:
        """The id of the call that a tool was at work for, which ended then, where the tool does not say.

        Of those without a result one with the same arguments; else one that has its result since.
        """
        waiting = [call_id for call_id in self._open if self._fits(self.calls[call_id], tool, end)]
        done = (
            call_id
            for call_id, call in islice(reversed(self.calls.items()), _MOST_COMPARED)
            if self._fits(call, tool, end) and call.answered_at is not None and call.answered_at >= end
        )
        same = (call_id for call_id in waiting if self.calls[call_id].words == words)
        return next(chain(same, waiting, done), None)

    @staticmethod
    def _fits(call: Call, tool: str, end: datetime) -> bool:
        return call.tool == tool and bool(call.made) and call.made_at <= end

    def find_handing_call(self, target: str) -> str | None:
        """The id of the call that hands over to `target`, as frameworks name such tools: `transfer_to_market_analyst`."""
        ending = target.replace(" ", "_").lower()
        return next((call_id for call_id in reversed(self._open) if self.calls[call_id].tool.lower().endswith(ending)), None)

    def _learn_call(self, remark: MessageDraft | Message, mark: Mark) -> None:
        if mark.call_id is None:
            return
        tool = text_note(remark.metadata, "tool") or "tool"
        call = self.calls.setdefault(mark.call_id, Call(tool, remark.source, mark.words, mark.at))
        if remark.kind == MessageKind.TOOL_CALL:
            call.made.append(mark)
            call.tool, call.source, call.words, call.made_at = tool, remark.source, mark.words, mark.at
        elif remark.kind in {MessageKind.TOOL_RESULT, MessageKind.HANDOFF}:
            call.answered += 1
            call.answered_at = mark.at
        if call.answered < len(call.made):
            self._open[mark.call_id] = None
        else:
            self._open.pop(mark.call_id, None)

    def _forget_oldest(self) -> None:
        _, mark = self._marks.popitem(last=False)
        marks = self._by_words[mark.words]
        marks.remove(mark)
        if not marks:
            del self._by_words[mark.words]
        self._asked.pop((mark.trace_id, mark.words), None)
        self._by_tools.pop((mark.span_id or "", mark.words[0]), None)
        if mark.call_id is not None:
            self.calls.pop(mark.call_id, None)
            self._open.pop(mark.call_id, None)


def _is_made_of(text: str, cause: str) -> bool:
    """Whether an error is that one, or was put around it."""
    return text.strip() == cause or (len(cause) >= _SHORTEST_CAUSE and cause in text)
