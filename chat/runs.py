"""An answer in the making, as this process sees it: its text, its events, who waits for them."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from uuid import UUID

from chat.generation.sentences import Sentence
from chat.generation.support.grounds import Grounds
from chat.tracing import Tracer
from knowledge.passages import Passage, Span, source_url

LINGER_SECONDS = 5.0
LAST = frozenset({"done", "error", "reconnect"})  # nothing follows one of these


@dataclass(frozen=True)
class Event:
    """``offset`` is how many code points of the answer are out, this event included."""

    kind: str
    data: dict[str, Any]
    offset: int = 0


@dataclass(frozen=True)
class Quoted:
    """A footnote of a running answer: a passage of the prompt and the span that is quoted."""

    number: int
    passage: Passage
    start: int
    end: int

    @property
    def span(self) -> Span:
        return Span(self.passage.document_id, self.passage.document_version, self.start, self.end)

    def as_source(self) -> dict[str, Any]:
        at = self.start - self.passage.start
        text = self.passage.text[at : at + self.end - self.start]
        return passage_source(self.passage, self.number, (self.start, self.end), text)


def passage_source(
    passage: Passage, number: int | None, span: tuple[int, int], content: str
) -> dict[str, Any]:
    """A passage as a *source* of the API; a candidate has no number yet."""
    return {
        "number": number,
        "document_id": passage.document_id,
        "document_version": passage.document_version,
        "title": passage.title,
        "heading": passage.heading,
        "page": passage.page,
        "content": content,
        "gone": None,
        "start": span[0],
        "end": span[1],
        "score": round(min(1.0, max(0.0, passage.score)), 4),
        "url": source_url(passage.document_id, passage.document_version, *span),
        "review_by": passage.review_by or None,
        "is_overdue": passage.is_overdue,
    }


def covered(source: Mapping[str, Any], why: str) -> dict[str, Any]:
    """A *source* of which only what may still be told is left; ``why`` as in ``SpanText.gone``."""
    title = "" if why == "restricted" else source["title"]
    untold = {"heading": "", "content": None, "url": "", "review_by": None, "is_overdue": False}
    return {**source, **untold, "title": title, "gone": why}


class Bell:
    """Wakes a reader in whatever event loop it waits."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Safe from any thread, and once the reader's loop is closed."""
        if not self._rung.is_set() and not self._loop.is_closed():
            try:
                self._loop.call_soon_threadsafe(self._rung.set)
            except RuntimeError:  # closed in between
                return

    async def wait(self, seconds: float) -> bool:
        """Whether it rang within these seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True


def documents_of(gone: Mapping[Span, str]) -> dict[int, str]:
    return {span.document_id: why for span, why in gone.items() if span.document_id is not None}


# Work that follows an answer and that nobody waits for; it gets the desk of the run.
Chore = Callable[[Any], Awaitable[None]]


@dataclass(eq=False)
class Run:
    """One running answer. One thread writes, any number of readers look at ``log``.

    ``log`` is append-only, so a reader needs no lock but an index into it.
    """

    message_id: UUID
    session_id: UUID
    user_id: int
    lease_token: UUID | None = None  # None: another process writes, this one follows
    row: Any = None  # the answer's, as it was stored a moment ago
    log: list[Event] = field(default_factory=list)
    text: str = ""
    quotes: dict[int, Quoted] = field(default_factory=dict)
    cited: set[int] = field(default_factory=set)  # numbers that were announced
    withdrawn: set[int] = field(default_factory=set)
    numbers: dict[int, Span] = field(default_factory=dict)  # what the footnotes point at
    candidates: set[Span] = field(default_factory=set)  # what the search found
    gone: Mapping[int, str] = field(default_factory=dict)  # documents not to be shown now, and why
    sentences: tuple[Sentence, ...] = ()  # of a quoted answer
    fields: dict[str, Any] = field(default_factory=dict)  # of the row; never changed in place
    flushed_fields: dict[str, Any] = field(default_factory=dict)
    began: float = field(default_factory=monotonic)
    stop_state: str = ""  # why it was cancelled: stopped, interrupted, or abandoned
    is_ending: bool = False  # its end is being written; too late to stop it
    is_lost: bool = False  # another process has its lease
    stage: str = "search"
    language: str = ""  # of the question, once it is known
    was_redacted: bool = False  # personal data was hidden from the model and put back
    computed: list[str] = field(default_factory=list)  # figures and dates of functions
    grounds: Grounds | None = None  # where an answer may rest on what functions brought alone
    steps: dict[str, str] = field(default_factory=dict)  # those with a document's words, without
    chores: list[Chore] = field(default_factory=list)  # done when the answer is out
    model: str = ""
    trace: Tracer = field(default_factory=Tracer)
    flushed_trace: int = 0
    flushed_chars: int = 0
    flushed_quotes: int = 0
    renewed: float = field(default_factory=monotonic)

    def __post_init__(self) -> None:
        self._bells: set[Bell] = set()
        self._left_at = monotonic()
        self._lock = threading.Lock()
        self._finished = threading.Event()
        ids = {"session_id": str(self.session_id), "message_id": str(self.message_id)}
        self.publish("session", ids)

    @property
    def is_finished(self) -> bool:
        return self._finished.is_set()

    @property
    def is_dirty(self) -> bool:
        return (
            self.fields != self.flushed_fields
            or self.trace.changes != self.flushed_trace
            or len(self.text) > self.flushed_chars
            or len(self.quotes) > self.flushed_quotes
        )

    @property
    def has_sources(self) -> bool:
        """Whether its candidates were announced."""
        return any(event.kind == "sources" for event in self.log[:8])

    @property
    def milliseconds(self) -> int:
        return round((monotonic() - self.began) * 1000)

    def publish(self, kind: str, data: dict[str, Any]) -> None:
        if self.is_finished:
            return
        self.log.append(Event(kind, data, len(self.text)))
        if kind in LAST:
            self._finished.set()
        self.ring()

    def write(self, text: str) -> None:
        """Append to the answer."""
        if text and not self.is_finished:
            self.trace.word()
            self.text += text
            self.publish("token", {"text": text})

    def tell(self, step: str, plain: str) -> None:
        """Say what is being done; ``plain`` is the same without words of a document."""
        self.steps[step] = plain
        self.publish("step", {"text": step})

    def announce(self, sources: list[dict[str, Any]]) -> None:
        """Say which passages were found."""
        self.candidates = {
            Span(s["document_id"], s["document_version"], s["start"], s["end"]) for s in sources
        }
        self.publish("sources", {"sources": sources})

    @property
    def spans(self) -> set[Span]:
        """All that its events show of documents."""
        return self.candidates | set(self.numbers.copy().values())

    def cite(self, quoted: Quoted) -> None:
        """Set a footnote, or widen its quote; only a new one is announced.

        What may not be shown any more is announced without its words.
        """
        self.quotes[quoted.number] = quoted
        self.numbers[quoted.number] = quoted.span
        if quoted.number not in self.cited:
            self.cited.add(quoted.number)
            source = self._readable(quoted.as_source())
            self.publish("citation", {"number": quoted.number, "source": source})

    def _readable(self, source: dict[str, Any]) -> dict[str, Any]:
        why = self.gone.get(source["document_id"])
        return covered(source, why) if why and source["gone"] is None else source

    def as_readable(self, event: Event) -> Event:
        """An event as it may be shown now, whenever it was published."""
        if not self.gone or event.kind not in {"sources", "citation", "step"}:
            return event
        if event.kind == "step":
            text = event.data["text"]
            return Event(event.kind, {"text": self.steps.get(text, text)}, event.offset)
        if event.kind == "citation":
            source = self._readable(event.data["source"])
            return Event(event.kind, {**event.data, "source": source}, event.offset)
        kept = [s for s in event.data["sources"] if s["document_id"] not in self.gone]
        return Event(event.kind, {"sources": kept}, event.offset)

    def lose(self, gone: Mapping[Span, str]) -> None:
        """Take note of what may not be read now: all of it, not only what is new."""
        self.gone = documents_of(gone)
        self.withdraw([number for number, span in self.numbers.items() if span in gone])

    def withdraw(self, numbers: Iterable[int]) -> None:
        """Say that footnotes point at what may not be read any more."""
        for number in sorted(set(numbers) - self.withdrawn):
            self.withdrawn.add(number)
            self.publish("withdrawn", {"number": number})

    def ring(self) -> None:
        with self._lock:
            bells = list(self._bells)
        for bell in bells:
            bell.ring()

    def attach(self) -> Bell:
        """A bell for a reader in the running loop; give it back with ``detach``."""
        bell = Bell()
        with self._lock:
            self._bells.add(bell)
        return bell

    def detach(self, bell: Bell) -> None:
        with self._lock:
            self._bells.discard(bell)
            self._left_at = monotonic()

    def touch(self) -> None:
        """A reader is on the way."""
        with self._lock:
            self._left_at = monotonic()

    @property
    def is_read_lately(self) -> bool:
        """Whether somebody reads it, or did a moment ago."""
        with self._lock:
            return bool(self._bells) or monotonic() - self._left_at < LINGER_SECONDS

    def wait(self, seconds: float) -> bool:
        """For a thread: whether it ended within these seconds."""
        return self._finished.wait(seconds)
