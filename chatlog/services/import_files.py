"""Files with discussions in them, read so that one discussion after the other is checked to its end before it is handed out.

Files are recognised by what is in them. JSON lines are read line by line, whatever their size; what is too long to keep is
read a second time when it is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from chatlog.domain.models import MessageDraft, Session
from chatlog.errors import InvalidInput
from chatlog.storage.documents import session_to_document

# A single JSON document is held in memory as a whole, about ten times as large as on the disk; so is a line.
MAX_DOCUMENT_BYTES = 256 * 1024 * 1024
# The messages of a discussion are kept between checking and storing up to this size on the disk.
KEPT_BYTES = 4 * 1024 * 1024
FILE_SUFFIXES = (".json", ".jsonl", ".ndjson")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not imported, and why.

    Attributes:
        line: in the file, from 1 on.
    """

    path: Path
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Discussion:
    """A checked discussion.

    Attributes:
        session: as it is to stand at the end.
        count: how many messages there are.
        read_drafts: the messages from the first on, each time it is called.
    """

    session: Session
    count: int
    read_drafts: Callable[[], Iterable[MessageDraft]]
    path: Path
    line: int

    def problem(self, reason: str) -> Problem:
        """A problem with this discussion as a whole."""
        return Problem(self.path, self.line, reason)


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank. `start` is where it begins in the file, in bytes."""

    number: int
    start: int
    data: bytes


class Source:
    """One file while it is read: its lines, one of which may be put back, and where problems go.

    Args:
        report: called with each problem; may raise to stop everything.
        on_progress: called now and then with the number of bytes read.
    """

    def __init__(self, path: Path, *, report: Callable[[Problem], None], on_progress: Callable[[int], None]) -> None:
        self.path = path
        self._report = report
        self._on_progress = on_progress
        self._lines = read_lines(path)
        self._put_back: list[Line] = []
        self.last_number = 1

    def next_line(self) -> Line | None:
        """The next line, or `None` at the end."""
        line = self._put_back.pop() if self._put_back else next(self._lines, None)
        if line is not None:
            self.last_number = line.number
            if line.number % 1000 == 0:
                self._on_progress(line.start)
        return line

    def put_back(self, *lines: Line | None) -> None:
        """Lines to come next again, in their order."""
        self._put_back += [line for line in reversed(lines) if line is not None]

    def report(self, line: int, reason: str) -> None:
        """Tell of a problem in this file."""
        self._report(Problem(self.path, line, reason))


class KeptDrafts:
    """The checked messages of a discussion, kept while they are few, else forgotten and read again by `reread`."""

    def __init__(self, reread: Callable[[], Iterable[MessageDraft]]) -> None:
        self._reread = reread
        self._kept: list[MessageDraft] | None = []
        self._bytes = 0
        self.count = 0

    def add(self, draft: MessageDraft, *, size: int) -> None:
        """One more message, of that many bytes in the file."""
        self.count += 1
        self._bytes += size
        if self._kept is not None:
            self._kept.append(draft)
            if self._bytes > KEPT_BYTES:
                self._kept = None

    def read(self) -> Iterable[MessageDraft]:
        """The messages, from the first on."""
        return self._reread() if self._kept is None else iter(self._kept)


def check_session(session: Session) -> Session:
    """Return it if every store takes it. Raises `ItemTooLarge`."""
    session_to_document(session)
    return session


def read_lines(path: Path, *, start: int = 0) -> Iterator[Line]:
    """The lines of a file that are not blank, from a place in it on; numbers count from there.

    Raises:
        InvalidInput: a line is longer than `MAX_DOCUMENT_BYTES`.
    """
    with path.open("rb") as file:
        file.seek(start)
        number = 0
        while data := file.readline(MAX_DOCUMENT_BYTES + 1):
            number += 1
            if len(data) > MAX_DOCUMENT_BYTES:
                raise InvalidInput("line", f"{number} has over {MAX_DOCUMENT_BYTES >> 20} MB. {SPLIT_ADVICE}")
            begin, start = start, start + len(data)
            data = data.removeprefix(_BYTE_ORDER_MARK) if begin == 0 else data
            if data.strip():
                yield Line(number, begin, data)


SPLIT_ADVICE = "Write it as JSON lines, with one message or one discussion on each."


def list_files(paths: Iterable[Path]) -> list[Path]:
    """The files, and those that end in .json, .jsonl or .ndjson in each folder and below it, by name."""
    files: list[Path] = []
    for path in paths:
        inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in FILE_SUFFIXES) if path.is_dir() else [path]
        files += [file for file in inside if file.is_file() or not path.is_dir()]
    return list(dict.fromkeys(files))
