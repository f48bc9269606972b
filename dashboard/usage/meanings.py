"""What the parts of bars mean: how they look, what they are called, and which sessions are behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from django.utils.translation import gettext as _

from chatlog.domain.models import SessionStatus
from dashboard.speakers import Speaker
from dashboard.usage.links import SessionLinks
from dashboard.usage.series import OUTCOMES
from dashboard.usage.spans import Span
from dashboard.usage.wording import say_remarks, say_sessions, short_name, status_words


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the kinds that bars are made of.

    Attributes:
        css: its class in the style sheet.
        fill: the id of its pattern, if it has one: what stands for good or bad is told by more than a colour.
        address: of its sessions in the whole time.
    """

    css: str
    name: str
    fill: str = ""
    address: str = ""


class Meaning(Protocol):
    """Tells what is counted, and of which kinds."""

    @property
    def kinds(self) -> Sequence[Kind]:
        """From the bottom of a bar up."""
        ...

    def say(self, count: int) -> str:
        """So many of what is counted."""
        ...

    def link(self, span: Span, place: int | None = None) -> str:
        """To the sessions behind a bar, or behind its part of one kind."""
        ...


@dataclass(frozen=True, slots=True)
class RemarksOfAgents:
    """Remarks by who said them; `None` are all others. Behind them are the sessions that went on then."""

    names: Sequence[str | None]
    speakers: Mapping[str, Speaker]
    links: SessionLinks
    whole: Span

    @property
    def kinds(self) -> Sequence[Kind]:
        return [self._kind(name) for name in self.names]

    def say(self, count: int) -> str:
        return say_remarks(count)

    def link(self, span: Span, place: int | None = None) -> str:
        return self.links.went_on(span, agent=None if place is None else self.names[place])

    def _kind(self, name: str | None) -> Kind:
        if name is None:
            return Kind("others", _("all others"))
        css = f"speaker-{self.speakers[name].colour}"
        return Kind(css, short_name(name), address=self.links.went_on(self.whole, agent=name))


@dataclass(frozen=True, slots=True)
class SessionsByOutcome:
    """Sessions by how they stand now. Behind them are those that began then."""

    links: SessionLinks
    whole: Span

    @property
    def kinds(self) -> Sequence[Kind]:
        words = status_words()
        return [
            Kind(f"status-{status}", words[status], f"of-{status}", self.links.began(self.whole, status=status))
            for status in OUTCOMES
        ]

    def say(self, count: int) -> str:
        return say_sessions(count)

    def link(self, span: Span, place: int | None = None) -> str:
        return self.links.began(span, status=None if place is None else SessionStatus(OUTCOMES[place]))
