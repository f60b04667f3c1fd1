"""Every question asked of every corpus: signals, and what the reader thinks of the passages."""

import pickle
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.answerability.corpora import (
    NOT_ASKED_ELSEWHERE,
    OTHERS,
    SETS,
    TOGETHER,
    Asked,
    Set,
    corpora,
    together,
)
from benchmarks.answerability.strangers import subjects
from benchmarks.answerability.unseen import SEEN
from knowledge.ingestion.splitter import sentence_spans
from knowledge.retrieval.answerability import Read, as_read
from knowledge.retrieval.backends.files import FileIndex, build
from knowledge.retrieval.calibration import Features
from knowledge.retrieval.names import unknown_codes
from knowledge.retrieval.reader import Page
from knowledge.retrieval.retriever import RetrievedHit, RetrieverConfig, retrieve

EVIDENCE_WITHIN = 5  # passages, as `evaluate` counts it
MOST_READ = 2  # passages: what is read is most of the time that this takes
NOT_READ = (*SEEN, TOGETHER)  # reading is most of the time that this takes
SMALL_FEW = 200  # questions of a kind that are asked of a small corpus
# Answerable; then what nothing answers: requests to a phone assistant, questions of the other sets,
# questions that people wrote so that they look answerable, and answerable ones whose document is
# taken away. Requests about a subject of the set are shown, and nothing is fitted on them.
KINDS = ("answerable", "off-topic", "other sets", "near miss", "taken away")
ON_SUBJECT = "on subject"


@dataclass(frozen=True)
class Example:
    """One question asked of one corpus."""

    corpus: str
    kind: str
    features: Features
    read: tuple[Read, ...]  # of the first passages, as far as they were read
    has_evidence: bool = False  # among the first five passages

    @property
    def is_answerable(self) -> bool:
        return self.kind == KINDS[0]

    @property
    def of_set(self) -> str:
        return self.corpus.partition("/")[0]

    @property
    def group(self) -> tuple[str, bool]:
        """The set, and whether it was searched as a whole."""
        return self.of_set, self.corpus.endswith("/all")


@dataclass
class Opinions:
    """What the reader thought of a question and a text, kept between runs."""

    reader: Any  # a Reader, or None
    path: Path | None = None
    known: dict[tuple[str, str], Read] = field(default_factory=dict)

    def load(self) -> None:
        if self.path and self.path.is_file() and self.reader is not None:
            kept = pickle.loads(self.path.read_bytes())  # our own file, of the run before
            self.known = kept.get(self.reader.fingerprint, {})

    def save(self) -> None:
        if self.path and self.reader is not None:
            self.path.write_bytes(pickle.dumps({self.reader.fingerprint: self.known}))

    def of(self, question: str, pages: Sequence[tuple[str, str]]) -> tuple[Read, ...]:
        """Pages are (heading, text)."""
        if self.reader is None:
            return ()
        return tuple(as_read((self._one(question, *page) for page in pages), len(pages)))

    def _one(self, question: str, heading: str, text: str) -> Read:
        if (question, text) not in self.known:
            page = Page(text, tuple(sentence_spans(text)), heading)
            (read,) = self.reader.read(question, [page])
            best = max(read.sentences, default=read.answerable)
            self.known[question, text] = Read(read.answerable, best)
        return self.known[question, text]


@dataclass(frozen=True)
class Strangers:
    """Requests to a phone assistant, as they are asked and with their intents."""

    asked: Sequence[Asked]
    requests: Sequence[dict[str, Any]]

    def on_subject(self, name: str) -> frozenset[str]:
        """The texts of those about a subject of a set, or of any, of all sets together."""
        sets = SETS if name == TOGETHER else (name,)
        return frozenset().union(*(subjects(one, self.requests) for one in sets))


@dataclass
class Corpus:
    """An index with the ways of asking it."""

    name: str
    taken: Set
    members: frozenset[int]
    index: FileIndex
    opinions: Opinions
    by_words: bool = False

    def examples(self, kind: str, questions: Sequence[Asked], *, without: bool = False) -> Any:
        """Each question's example; ``without``: with the documents that answer taken away."""
        few = len(questions) if self.name.endswith("/all") else SMALL_FEW
        for asked in questions[:few]:
            allowed = self.members
            if without:
                allowed = allowed - {gold.document for gold in asked.gold}
            found = self._one(kind, asked, allowed)
            if found is not None:
                yield found

    def _one(self, kind: str, asked: Asked, members: frozenset[int]) -> Example | None:
        allowed = self.index.allow(members)
        if unknown_codes(asked.text, self.index, allowed):
            return None  # refused by its code, whatever the weights
        vector = None if self.by_words else asked.vector
        found = retrieve(asked.text, vector, self.index, allowed, RetrieverConfig())
        first = found.hits[:EVIDENCE_WITHIN]
        pages = [self._page(hit) for hit in first[:MOST_READ]]
        return Example(
            self.name,
            kind,
            found.features,
            self.opinions.of(asked.text, pages),
            has_evidence=any(self._shows(hit, asked) for hit in first),
        )

    def _page(self, hit: RetrievedHit) -> tuple[str, str]:
        piece = self.taken.pieces[hit.chunk_id.int]
        return piece.heading or self.taken.titles[hit.document_id], piece.text

    def _shows(self, hit: RetrievedHit, asked: Asked) -> bool:
        """Half of a span, or the document where there is none, as ``evaluate`` counts it."""
        piece = self.taken.pieces[hit.chunk_id.int]
        for gold in asked.gold:
            if gold.document != hit.document_id:
                continue
            if gold.span is None:
                return True
            start, end = gold.span
            if min(end, piece.end) - max(start, piece.start) >= (end - start) / 2:
                return True
        return False


def every_example(
    sets: Sequence[Set], strangers: Strangers, opinions: Opinions
) -> Iterator[Example]:
    """All kinds of questions, asked of all corpora, with the question's vector and without."""
    for taken in [*sets, together(sets)]:
        others = [] if taken.name == TOGETHER else _of_others(sets, taken)
        for name, members in corpora(taken):
            rows = [row for row in taken.rows if row.document_id in members]
            with tempfile.TemporaryDirectory() as folder:
                build(Path(folder) / "index", rows, 384, {})
                index = FileIndex.open(Path(folder) / "index")
                is_read = name.endswith("/all") and taken.name not in NOT_READ
                read = opinions if is_read else Opinions(None)
                corpus = Corpus(name, taken, members, index, read)
                by_words = replace(corpus, by_words=True, opinions=Opinions(None))
                for one in (corpus, by_words):
                    yield from _asked_of(one, strangers, others)
        opinions.save()


def _asked_of(corpus: Corpus, strangers: Strangers, others: Sequence[Asked]) -> Iterator[Example]:
    own = [a for a in corpus.taken.questions if any(g.document in corpus.members for g in a.gold)]
    near = [
        asked
        for asked in corpus.taken.questions
        if not asked.gold and (asked.about < 0 or asked.about in corpus.members)
    ]
    yield from corpus.examples("answerable", own)
    few = len(strangers.asked) if corpus.name.endswith("/all") else SMALL_FEW
    on_subject = strangers.on_subject(corpus.taken.name)
    for kind in ("off-topic", ON_SUBJECT):
        of_kind = [a for a in strangers.asked[:few] if (a.text in on_subject) == (kind != KINDS[1])]
        yield from corpus.examples(kind, of_kind)
    yield from corpus.examples("other sets", others)
    yield from corpus.examples("near miss", near)
    yield from corpus.examples("taken away", own, without=True)


def _of_others(sets: Sequence[Set], taken: Set) -> list[Asked]:
    return [
        asked
        for other in sets
        if other is not taken and other.name not in NOT_ASKED_ELSEWHERE
        for asked in [one for one in other.questions if one.gold][:OTHERS]
    ]
