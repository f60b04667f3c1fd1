"""What comes out of an answer while it is written: pieces that are final, and what makes them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from chat.generation import prompts
from chat.generation.addresses import Addresses
from chat.generation.binding import bind
from chat.generation.citations import CitationParser, Found, Mark
from chat.generation.context import Context
from chat.generation.leaks import LeakWatch
from chat.generation.modelconfig import ModelFailed
from chat.generation.outgoing import Outgoing
from chat.generation.sentences import last_sentence
from knowledge.passages import Passage

_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Words:
    """A piece of the answer's text, final."""

    text: str


@dataclass(frozen=True)
class Cited:
    """A footnote: ``passage``'s version quoted from ``start`` to ``end``. Comes before its mark.

    A second one with the same number widens the quote.
    """

    number: int
    passage: Passage
    start: int
    end: int


@dataclass(frozen=True)
class NotFound:
    """The model says that the passages do not answer."""


@dataclass(frozen=True)
class Used:
    """Tokens, as the provider counts them; ``estimated``: by us, where the provider did.

    ``was_redacted``: personal data was hidden from the model and put back.
    """

    tokens: int
    estimated: int = 0
    was_redacted: bool = False


@dataclass(frozen=True)
class LeftOut:
    """So many sentences were not shown, or said anew, since their passages do not support them."""

    sentences: int
    reworded: int = 0


@dataclass(frozen=True)
class Sent:
    """The request as it goes out, and what of the conversation and the passages is in it."""

    messages: tuple[prompts.Message, ...]
    context: Context
    marker: str


Piece = Words | Cited | NotFound | Used | LeftOut | Sent


@dataclass
class Writer:
    """A model's tokens into pieces: marks bound to passages, nothing sent that is not final.

    ``shelf`` holds the passages by their numbers in the prompt, with those that are found later.
    """

    passages: Sequence[Passage]
    addresses: Addresses = field(default_factory=Addresses)
    text: str = ""  # what went out
    _start: str = ""  # held back while it could still be the word for "not found"
    _has_begun: bool = False
    _spans: dict[int, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shelf = list(self.passages)
        self._parser = CitationParser(len(self.shelf))
        self._outgoing = Outgoing(self.addresses)
        self._watch = LeakWatch(prompts.RULES)

    def extend(self, passages: Sequence[Passage], texts: Sequence[str] = ()) -> None:
        """Further passages may be cited now, and addresses in them and in the texts be named."""
        self.shelf.extend(passages)
        self._parser.sources = len(self.shelf)
        found = Addresses.of((*(one.text for one in passages), *texts))
        self._outgoing.addresses = replace(
            self.addresses, quoted=self._outgoing.addresses.quoted | found.quoted
        )

    def feed(self, token: str) -> Iterator[Piece]:
        """The pieces of a token; raises ModelFailed where the model recites its rules."""
        yield from self.send(self.read(token))
        self.check()

    def close(self) -> Iterator[Piece]:
        last = self.finish()
        yield from [last] if isinstance(last, NotFound) else [*self.send(last), *self.end()]

    def read(self, token: str) -> list[Found]:
        """The words and marks of a token, as far as they are known."""
        return self._take(self._watch.feed(token))

    def check(self) -> None:
        """Raise ModelFailed where the model recites its rules."""
        if self._watch.recites:
            raise ModelFailed("the answer recites its rules")

    def _take(self, token: str) -> list[Found]:
        if self._has_begun:
            return self._parser.feed(token)
        self._start += token
        if _could_be_not_found(self._start):
            return []
        self._has_begun = True
        return self._parser.feed(self._start.lstrip())

    def finish(self) -> list[Found] | NotFound:
        """What was held back, at the model's own end."""
        found = self._take(self._watch.close())
        if not self._has_begun:
            self._has_begun = True
            if prompts.NOT_FOUND in self._start:
                return NotFound()
            found = self._parser.feed(self._start.lstrip())
        return [*found, *self._parser.close()]

    def rest(self) -> list[Found]:
        """What was held back when the model broke off."""
        found = self._take(self._watch.close())
        return [*found, *self._parser.close()] if self._has_begun else []

    def end(self) -> Iterator[Piece]:
        """What is known to be harmless only when nothing more comes; after the last ``send``."""
        yield from self._say(self._outgoing.close())

    def send(self, found: Sequence[Found]) -> Iterator[Piece]:
        for piece in found:
            if isinstance(piece, Mark):
                yield from self._say(self._outgoing.mark(piece.text))
                yield from self._cite(piece)
                yield from self._say(piece.text)
            else:
                yield from self._say(self._outgoing.feed(piece.text))

    def _say(self, text: str) -> Iterator[Words]:
        if text:
            self.text += text
            yield Words(text)

    def _cite(self, mark: Mark) -> Iterator[Cited]:
        """Bind a mark; a later sentence that cites the same passage widens its quote."""
        passage = self.shelf[mark.source - 1]
        start, end = bind(last_sentence(self.text), passage)
        known = self._spans.get(mark.number)
        if known:
            start, end = min(start, known[0]), max(end, known[1])
        if known != (start, end):
            self._spans[mark.number] = (start, end)
            yield Cited(mark.number, passage, start, end)


def _could_be_not_found(start: str) -> bool:
    """Whether a text is so far nothing but the agreed word, or a beginning of it."""
    said = _SPACE.sub("", start).strip("*_`\"'.")
    return prompts.NOT_FOUND.startswith(said) or (
        said.startswith(prompts.NOT_FOUND) and len(said) <= len(prompts.NOT_FOUND) + 3
    )
