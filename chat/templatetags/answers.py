"""An answer as a well-set page: sentences as claims, marks as links, notes beside them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from chat.generation.support.checking import UNLIKELY
from chat.generation.understanding.phrasebook import ENGLISH, languages, part_not_found
from chat.models import Message
from chat.reading import Note, Turn
from chat.templatetags.verdicts import TICKS, sentences_of, tally
from core.markdown import plain, render
from core.spans import Edit, Sign, fit, put_signs, without_signs
from core.weaving import weave

register = template.Library()
_SUPPORT = {"unsupported": "none"}
_SAID_OF_MARKS = {
    "part": "partly supports this",
    "none": "does not say this",
    "open": "could not be checked",
}
LONG_QUESTION = 160  # code points; longer ones are set as a quotation, not as a heading's display


@dataclass(frozen=True)
class Quote:
    """A note's words: what counts, and what completes the sentence around it."""

    before: str
    words: str
    after: str


class _Claims:
    """What stands at the signs of one answer; ids carry its ordinal in the conversation."""

    def __init__(self, turn: Turn) -> None:
        self.key = turn.answer.ordinal
        self.sentences = sentences_of(turn)
        self.notes = {note.number: note for note in turn.notes}
        self.placed: set[int] = set()
        self.has_obelus = False

    def opening(self, index: int, *, first: bool) -> tuple[str, str]:
        support = _SUPPORT.get(self.sentences[index]["support"])
        outer = (
            format_html('<span class="claim" data-support="{}">', support)
            if support
            else '<span class="claim">'
        )
        return str(outer), '<span class="words">'

    def closing(self) -> tuple[str, str]:
        return "</span>", "</span>"

    def tail(self, index: int) -> str:
        if self.sentences[index]["support"] != "unsupported":
            return ""
        numbers = [n for n in self.sentences[index]["numbers"] if n in self.notes]
        if numbers:
            return format_html(
                '<a class="obelus" href="#n{}-{}" aria-label="{}">not in source</a>',
                self.key,
                numbers[0],
                f"Not in source: {self.sentences[index].get('why') or UNLIKELY}",
            )
        own_id = "" if self.has_obelus else format_html(' id="m{}-x"', self.key)
        self.has_obelus = True
        return format_html(
            '<a class="obelus"{} href="#n{}-x" aria-label="No source for this sentence">'
            "no source</a>",
            own_id,
            self.key,
        )

    def note(self, number: int, index: int | None) -> str:
        support = "" if index is None else self.sentences[index]["support"]
        shape = TICKS.get(support, "")
        part = format_html(' data-support="{}"', shape) if shape else ""
        own_id = "" if number in self.placed else format_html(' id="m{}-{}"', self.key, number)
        self.placed.add(number)
        return format_html(
            '<a class="mark"{} href="#n{}-{}" role="doc-noteref"{} aria-label="{}">{}</a>',
            own_id,
            self.key,
            number,
            part,
            mark_label(self.notes[number], shape),
            number,
        )

    def anchor(self, index: int) -> str:
        return ""


def mark_label(note: Note, shape: str = "") -> str:
    """``Source 2: Parental Leave Policy, 3.2 Pay, page 4``."""
    title = note.title or "no longer readable"
    parts = [f"Source {note.number}: {title}", last_heading(note.heading)]
    if note.page:
        parts.append(f"page {note.page}")
    parts.append(_SAID_OF_MARKS.get(shape, ""))
    return ", ".join(filter(None, parts))


@register.filter
def last_heading(path: str) -> str:
    """The innermost heading of a path ``A › B``."""
    return path.rpartition(" › ")[2]


@register.simple_tag
def answer_html(turn: Turn) -> SafeString:
    """The answer's Markdown with its sentences wrapped and its marks bound to its citations."""
    text = without_signs(turn.body["message"])
    numbers = {note.number for note in turn.notes}
    groups = list(_mark_groups(text, numbers))
    edits = [edit for group in groups for edit in group.edits]
    for index, sentence in enumerate(turn.body["sentences"]):
        edits += _claim_edits(text, index, sentence, groups)
    marked = put_signs(text, edits, [group.drop for group in groups])
    html = render(marked, hosts=frozenset(settings.LINK_HOSTS))
    return mark_safe(weave(html, _Claims(turn)))  # noqa: S308 (sanitised in render)


@dataclass(frozen=True)
class _MarkGroup:
    """Marks that stand together; they are set behind the full stop, as a printer would."""

    start: int
    end: int  # behind the punctuation that followed them
    drop: tuple[int, int]
    numbers: tuple[int, ...]

    @property
    def edits(self) -> list[Edit]:
        return [Edit(self.end, Sign.NOTE, number) for number in self.numbers]


def _mark_groups(text: str, numbers: set[int]) -> Iterator[_MarkGroup]:
    if not numbers:
        return
    known = "|".join(str(number) for number in sorted(numbers, reverse=True))
    pattern = re.compile(rf"(?:\[(?:{known})\][ \t]?)*\[(?:{known})\]")
    for found in pattern.finditer(text):
        start = found.start()
        while start and text[start - 1] in " \t":
            start -= 1
        if not start or text[start - 1] == "\n":
            start = found.start()  # at the head of a line, where blanks are structure
        stop = re.compile(r"[.,;:!?…]*").match(text, found.end())
        end = stop.end() if stop else found.end()
        marks = tuple(dict.fromkeys(int(n) for n in re.findall(r"\d+", found[0])))
        yield _MarkGroup(start, end, (start, found.end()), marks)


def _claim_edits(
    text: str, index: int, sentence: Mapping[str, Any], groups: Sequence[_MarkGroup]
) -> list[Edit]:
    fitted = fit(text, sentence["start"], sentence["end"])
    if fitted is None:
        return []
    start, end = fitted
    for group in groups:
        if group.start <= end <= group.end:
            end = group.end
    return [Edit(start, Sign.OPEN, index), Edit(end, Sign.CLOSE, index)]


_SENTENCE_END = re.compile(r"[.!?。]['\"”’)]*\s|\n")

_HEADING_LINE = re.compile(r"(?m)^#{1,6} .*$")


@register.simple_tag
def quote_of(note: Note) -> Quote:
    """The quoted words, with no more around them than completes their sentence."""
    before = note.before
    for found in _SENTENCE_END.finditer(note.before):
        before = note.before[found.end() :]
    ending = _SENTENCE_END.search(note.after)
    after = note.after[: ending.end()] if ending else note.after
    if note.quote and note.quote.rstrip()[-1:] in ".!?。":
        after = ""
    words = _HEADING_LINE.sub("", note.quote or "").strip() or note.quote or ""
    return Quote(_spaced(before, at_end=True), plain(words), _spaced(after))


def _spaced(text: str, *, at_end: bool = False) -> str:
    """A piece of context as plain words that keeps the blank on the side of the quotation."""
    words = plain(text)
    if not words:
        return ""
    if at_end:
        return f"{words} " if text[-1:].isspace() else words
    return f" {words}" if text[:1].isspace() else words


@register.simple_tag
def rating_of(answer: Message, ratings: Mapping[UUID, int]) -> int:
    """1, -1, or 0 where nobody pressed a thumb."""
    return ratings.get(answer.pk, 0)


_LEAD = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")


@register.filter
def lead(sentences: str) -> str:
    """The first sentence of a notice, which is set bold."""
    return _LEAD.split(sentences, maxsplit=1)[0]


@register.filter
def after_lead(sentences: str) -> str:
    return (*_LEAD.split(sentences, maxsplit=1), "")[1]


@register.filter
def is_in_other_words(refusal: str) -> bool:
    """Whether a not-found answer is in another language than English, and so shown as it is."""
    others = (code for code in languages() if code != ENGLISH)
    return any(refusal.startswith(part_not_found(code)) for code in others)


@register.filter
def without_marks(text: str) -> str:
    """An answer's words without its footnote marks and its markup's signs."""
    return re.sub(r"[ \t]*\[\d{1,3}\]", "", text).replace("**", "")


@register.filter
def is_long(question: str) -> bool:
    return len(question) > LONG_QUESTION


@register.filter
def spoken(turn: Turn) -> str:
    """What a screen reader hears once when the answer is there: words, no marks."""
    body, figures = turn.body, tally(turn)
    if body["outcome"] == "not_found":
        return "Not in my documents."
    have = f"{figures.sourced} of {figures.total} sentences have a source." if figures.total else ""
    words = plain(without_marks(body["message"]))
    if len(words) > 600:
        return f"The answer is ready, {figures.total} sentences, {len(turn.notes)} sources."
    missing = list(figures.ticks).count("none")
    said = f"{missing} without a source. " if missing else ""
    return f"{words} {said}{have}".strip()
