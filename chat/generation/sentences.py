"""The sentences of an answer: where they are, what they cite, what is known of their support."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from chat.generation.spans import Unit, sentence_spans, units

Support = Literal["supported", "partly", "unsupported", "unknown"]

_MARK = re.compile(r"(?<!\\)\[(\d{1,3})\](?!\()")
_CODE = re.compile(r"`[^`\n]*`")
# How an assistant opens, closes and excuses itself. Such a sentence rests on no document.
_TALK = re.compile(
    r"(?:(?:sure|certainly|of course|yes|no|ok|okay|thanks|thank you)[,.! ]*\Z"
    r"|(?:sure[,.]? |certainly[,.]? |of course[,.]? )?here(?: is|'s|’s| are)"
    r" (?:what|the|a|an|your|some)\b"
    r"|(?:please )?(?:let me know|feel free to|don'?t hesitate)\b|i hope (?:this|that) helps\b"
    r"|(?:the|these|those) (?:documents|sources|passages) (?:do not|don'?t|say nothing)"
    r"(?: (?:say|mention|state|tell|answer|contain|cover|specify)\b| about\b)"
    r"|i (?:could not|couldn't|did not|didn't|cannot|can't|do not|don't) (?:find|see|know|say)\b"
    r"|i (?:have )?(?:found|searched|looked|read)\b|to (?:sum up|summarise|summarize)[.:]?\Z"
    r"|hier (?:ist|sind) |ich hoffe|gern(?:e)?[.!]|voici |j'espère|aquí (?:está|tienes)"
    r"|espero que )"
)


@dataclass(frozen=True)
class Sentence:
    """``start`` and ``end`` count code points of the answer; the marks lie inside.

    ``why`` says to the reader what speaks against it; empty where nothing does.
    """

    start: int
    end: int
    numbers: tuple[int, ...]
    support: Support
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "numbers": list(self.numbers)}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Sentence":
        numbers = tuple(stored["numbers"])
        why = stored.get("why", "")  # rows of before it was noted
        return cls(stored["start"], stored["end"], numbers, stored["support"], why)


def marks_in(text: str) -> tuple[int, ...]:
    """The footnote numbers in a text, each once, in order; not those in code or of links."""
    plain = _CODE.sub(lambda match: " " * len(match.group()), text)
    return tuple(dict.fromkeys(int(number) for number in _MARK.findall(plain)))


def written_sentences(text: str) -> list[Sentence]:
    """The claims of an answer that a model wrote.

    One with a mark has support ``unknown``, since nobody compared it with its passage yet; one
    without is ``unsupported``. What claims nothing of the documents ("Here is what I found.") is
    ``unknown`` too. Headings, code, questions and lines that lead in with a colon are left out.
    """
    found: list[Sentence] = []
    for start, end in _spans(text):
        words = text[start:end]
        numbers = marks_in(words)
        if not re.search(r"\w", _MARK.sub("", words)):
            if found and numbers:
                found[-1] = _joined(found[-1], end, numbers)
            continue
        if numbers:
            found.append(Sentence(start, end, numbers, "unknown"))
        elif not words.rstrip("*_ ").endswith((":", "?", "：", "？")):
            talks = claims_nothing(words)
            found.append(Sentence(start, end, (), "unknown" if talks else "unsupported"))
    return found


def claims_nothing(words: str) -> bool:
    """Whether a sentence speaks of the answer itself or to the reader, and states no fact."""
    plain = words.strip(" *_>-").casefold()
    return len(plain) <= 160 and not re.search(r"\d", plain) and bool(_TALK.match(plain))


def _spans(text: str) -> Iterable[tuple[int, int]]:
    for unit in units(text):
        if unit.kind in {"sentence", "row"} and not _is_table_head(unit, text):
            yield unit.start, unit.end
        elif unit.kind == "item":
            yield from sentence_spans(text, unit.start, unit.end)


def _is_table_head(unit: Unit, text: str) -> bool:
    return unit.kind == "row" and unit.lead is None and not marks_in(text[unit.start : unit.end])


def _joined(sentence: Sentence, end: int, numbers: tuple[int, ...]) -> Sentence:
    together = tuple(dict.fromkeys((*sentence.numbers, *numbers)))
    return replace(sentence, end=end, numbers=together, support="unknown")


def last_sentence(text: str) -> str:
    """The sentence that a mark after this text would stand behind."""
    tail = text[-1500:]
    found = [span for span in _spans(tail) if re.search(r"\w", _MARK.sub("", tail[slice(*span)]))]
    return tail[slice(*found[-1])] if found else tail


def redact(
    text: str, sentences: Iterable[Sentence], gone: frozenset[int], words: str
) -> tuple[str, list[Sentence]]:
    """An answer in which the sentences quoted from sources that are gone are overwritten.

    Args:
        text: the answer.
        sentences: its sentences, in order.
        gone: the numbers of the sources that are gone.
        words: what stands there instead; the marks stay behind it.

    Returns:
        The new text and its sentences with offsets that fit it.
    """
    parts: list[str] = []
    kept: list[Sentence] = []
    at = shift = 0
    for sentence in sentences:
        new = text[sentence.start : sentence.end]
        if not gone.isdisjoint(sentence.numbers):
            new = words + "".join(f"[{number}]" for number in sentence.numbers)
        parts += [text[at : sentence.start], new]
        start = sentence.start + shift
        kept.append(replace(sentence, start=start, end=start + len(new)))
        shift += len(new) - (sentence.end - sentence.start)
        at = sentence.end
    return "".join([*parts, text[at:]]), kept
