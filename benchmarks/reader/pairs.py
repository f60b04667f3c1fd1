"""Questions and passages as they are trained on: cut at other places, answered and not.

Near-misses are made by rule from answerable questions: the answer's sentence is taken out of the
passage, or a name, number or year of the question is changed for another of its kind.
"""

import random
import re
from dataclasses import dataclass, replace

from benchmarks.reader import cloze
from benchmarks.reader.sets import Question, Sets, Span, sentences

# Characters of a passage that is cut: most as much as the reader reads of a chunk, some as long as
# our chunks of 220 tokens.
_ABOUT, _LONG = 420, 800
_LONG_SHARE = 0.2
_GAPS = 0.3  # of the passages lose sentences in their middle, as those that are cut to a budget
_OPPOSITES = (
    "first last", "largest smallest", "most least", "before after", "more less", "north south",
    "east west", "increase decrease", "highest lowest", "oldest newest", "always never",
    "began ended", "start end", "major minor", "early late", "high low", "best worst",
    "allowed forbidden", "with without", "accept reject", "public private", "male female",
    "begin finish", "gain lose", "win lose", "above below", "support oppose", "same different",
)  # fmt: skip
OPPOSITE = {a: b for line in _OPPOSITES for a, b in (line.split(), line.split()[::-1])}


@dataclass(frozen=True)
class Pair:
    """What the network sees at once."""

    question: str
    heading: str
    text: str
    answers: tuple[Span, ...]  # empty: the text holds no answer
    is_exact: bool
    source: str


def of(question: Question) -> Pair:
    return Pair(
        question.question, question.heading, question.passage, question.answers,
        question.is_exact, question.name,
    )  # fmt: skip


def cut(pair: Pair, rng: random.Random) -> Pair:
    """A run of the passage's sentences that keeps an answer, often with a heading left out."""
    spans = sentences(pair.text)
    kept = rng.choice(pair.answers or spans)
    first = max((i for i, (a, _) in enumerate(spans) if a <= kept[0]), default=0)
    last = max((i for i, (a, _) in enumerate(spans) if a < kept[1]), default=first)
    limit = _LONG if rng.random() < _LONG_SHARE else _ABOUT
    if rng.random() < 0.3:
        limit = rng.randint(120, limit)
    needed = set(range(first, last + 1))
    while True:
        room = [(first - 1, last)] * (first > 0) + [(first, last + 1)] * (last + 1 < len(spans))
        room = [(a, b) for a, b in room if spans[b][1] - spans[a][0] <= limit]
        if not room:
            break
        first, last = rng.choice(room)
    chosen = list(range(first, last + 1))
    if len(chosen) > 2 and rng.random() < _GAPS:
        chosen = [x for x in chosen if x in needed or rng.random() < 0.6]
    heading = pair.heading if rng.random() < 0.5 else ""
    return replace(_of_sentences(pair, [spans[x] for x in chosen]), heading=heading)


def _of_sentences(pair: Pair, chosen: list[Span]) -> Pair:
    """The chosen sentences alone, with the answers that lie in one of them or reach over some."""
    text, answers = "", []
    for at, (start, end) in enumerate(chosen):
        if at:
            text += " " if chosen[at - 1][1] <= start else ""
        moved = len(text) - start
        text += pair.text[start:end]
        for a, b in pair.answers:
            is_inside = a >= start and b <= end
            if is_inside or (not pair.is_exact and a < end and b > start):
                answers.append((max(a, start) + moved, min(b, end) + moved))
    return replace(pair, text=text, answers=tuple(dict.fromkeys(answers)))


def alone(pair: Pair, rng: random.Random) -> Pair:
    """The question with one sentence of the passage."""
    spans = sentences(pair.text)
    start, end = rng.choice(spans)
    if pair.answers and rng.random() < 0.5:
        wanted = rng.choice(pair.answers)
        start, end = next((x for x in spans if x[0] <= wanted[0] < x[1]), (start, end))
    inside = tuple((a - start, b - start) for a, b in pair.answers if a >= start and b <= end)
    partly = any(a < end and b > start for a, b in pair.answers) and not inside
    if partly:
        return cut(pair, rng)
    return replace(pair, text=pair.text[start:end], answers=inside, heading="")


def without_answer(pair: Pair, _rng: random.Random) -> Pair | None:
    """The passage without the sentences that hold an answer; None where nothing is left."""
    if not pair.is_exact or not pair.answers:
        return None
    said = {pair.text[a:b].lower() for a, b in pair.answers}
    kept = []
    for start, end in sentences(pair.text):
        text = pair.text[start:end]
        holds = any(a < end and b > start for a, b in pair.answers)
        if not holds and not any(x in text.lower() for x in said):
            kept.append(text)
    if not kept:
        return None
    return replace(pair, text=" ".join(kept), answers=())


def changed(pair: Pair, rng: random.Random) -> Pair | None:
    """The question asks about another name, number or opposite; None where it has none."""
    asked = pair.question
    swaps: list[tuple[int, int, str]] = []
    others = [
        (x.kind, pair.text[x.start : x.end])
        for start, end in sentences(pair.text)
        for x in cloze.pieces(pair.text, start, end)
    ]
    answers = {pair.text[a:b].lower() for a, b in pair.answers}
    for piece in cloze.pieces(asked, 0, len(asked)):
        old = asked[piece.start : piece.end]
        new = [
            text for kind, text in others
            if kind == piece.kind and text.lower() not in answers and not _akin(text, old)
        ]  # fmt: skip
        if new:
            swaps.append((piece.start, piece.end, rng.choice(new)))
    swaps += [
        (*x.span(), OPPOSITE[x.group()])
        for x in re.finditer(r"[a-z]+", asked)
        if x.group() in OPPOSITE
    ]
    swaps += [
        (x.end(), x.end(), " not")
        for x in re.finditer(r"\b(?:did|does|do|is|was|were|are|can|could)\b", asked)
        if rng.random() < 0.15
    ]
    if not swaps:
        return None
    start, end, new_text = rng.choice(swaps)
    return replace(pair, question=asked[:start] + new_text + asked[end:], answers=())


def _akin(one: str, other: str) -> bool:
    return bool(set(one.lower().split()) & set(other.lower().split()))


def worn(text: str, rng: random.Random) -> str:
    """A question as somebody types it: without capitals, mark or a letter, now and then."""
    if rng.random() < 0.2:
        text = text.lower()
    if rng.random() < 0.2:
        text = text.rstrip("?")
    if rng.random() < 0.08 and len(text) > 12:
        at = rng.randrange(3, len(text) - 3)
        text = text[:at] + text[at + 1 :]
    if rng.random() < 0.05:
        text = rng.choice(("please tell me ", "I want to know ", "do you know ", "hi, ")) + text
    return text


class Mixture:
    """Draws pairs for ever, the same ones for the same seed."""

    def __init__(self, sets: Sets, seed: int) -> None:
        self.sets, self.rng = sets, random.Random(seed)
        self.by_name: dict[str, list[Question]] = {}
        for each in sets.trained:
            self.by_name.setdefault(each.name, []).append(each)
        self.by_article: dict[str, list[str]] = {}
        for each in sets.trained:
            texts = self.by_article.setdefault(f"{each.name}/{each.article}", [])
            if each.passage not in texts:
                texts.append(each.passage)
        self.neighbours: dict[str, list[str]] = {}

    def made_up(self) -> Pair:
        """A question made of a passage, or a near-miss of it."""
        rng = self.rng
        while True:
            _, heading, text = rng.choice(self.sets.passages)
            spans = sentences(text)
            sentence = rng.choice(spans)
            choices = cloze.pieces(text, *sentence)
            if rng.random() < 0.3 or not choices:
                choices = cloze.phrases(text, *sentence)
            if not choices or sentence[1] - sentence[0] > 500:
                continue
            piece = rng.choice(choices)
            asked = cloze.question(text, sentence, piece, rng)
            if len(asked.split()) < 4:
                continue
            pair = Pair(asked, heading, text, ((piece.start, piece.end),), True, "made")
            return self._varied(cut(pair, rng), near=0.45)

    def real(self, name: str) -> Pair:
        rng = self.rng
        question = rng.choice(self.by_name[name])
        pair = replace(of(question), question=worn(question.question, rng))
        if rng.random() < 0.12:
            return alone(pair, rng)
        if rng.random() < 0.15:
            return cut(replace(pair, text=self._other(question), answers=()), rng)
        whole = name == "squad2" and rng.random() < 0.1
        seen = pair if whole else cut(pair, rng)
        return self._varied(seen, near=0.2 if name == "squad2" else 0.35)

    def stranger(self) -> Pair:
        text = self.rng.choice(self.sets.passages)
        asked = self.rng.choice(self.sets.strangers)
        return cut(Pair(asked, text[1], text[2], (), True, "stranger"), self.rng)

    def _varied(self, pair: Pair, near: float) -> Pair:
        if not pair.answers or not pair.is_exact or self.rng.random() > near:
            return pair
        make = without_answer if self.rng.random() < 0.35 else changed
        return make(pair, self.rng) or pair

    def _other(self, question: Question) -> str:
        """A passage that does not answer: what search finds next, or one of the same article."""
        found = self.neighbours.get(question.question)
        if found and self.rng.random() < 0.7:
            return self.rng.choice(found)
        article = self.by_article[f"{question.name}/{question.article}"]
        others = [x for x in article if x != question.passage]
        if others and self.rng.random() < 0.7:
            return self.rng.choice(others)
        return self.rng.choice(self.by_name[question.name]).passage
