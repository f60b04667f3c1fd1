"""The frozen values that leave this app: what a search found, and where a reader can see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Scores:
    """What each stage thought of a passage; None where the stage did not see it.

    ``dense`` is a cosine, ``lexical`` a BM25 score, ``fused`` the weighted sum of z-scores that
    ranked it, ``rerank`` a reranker's score.
    """

    dense: float | None = None
    lexical: float | None = None
    fused: float | None = None
    rerank: float | None = None


@dataclass(frozen=True)
class Judged:
    """What the small reader thinks of a passage: 0..1 that it answers, and that each span does.

    ``spans`` are (start, end, how likely): its sentences, items and rows, offsets into its text.
    """

    answerable: float
    spans: tuple[tuple[int, int, float], ...] = ()

    @property
    def best(self) -> float:
        """How likely the best span is, or the whole where there is none."""
        return max((score for _, _, score in self.spans), default=self.answerable)


@dataclass(frozen=True)
class Passage:
    """A chunk as a search result.

    ``start`` and ``end`` count code points of the version's text, and
    ``text == version_text[start:end]``. ``score`` is calibrated to 0..1: about how likely it is
    that this passage bears on the question.
    """

    chunk_id: str
    document_id: int
    version_id: int
    document_version: int
    title: str
    heading: str  # the heading path, " › " between levels; empty outside any heading
    page: int | None
    text: str
    start: int
    end: int
    score: float
    scores: Scores = field(default_factory=Scores)
    document_type: str = ""
    source: str = ""
    uploaded_at: str = ""  # ISO 8601, of the version
    review_by: str = ""  # ISO 8601 date, of the document; empty where none is set
    is_overdue: bool = False  # that day has passed
    same_as: tuple[int, ...] = ()  # other documents that the asker may see and that say the same
    gives_orders: bool = True  # False: its version was looked through, and none speaks to a model
    columns: str = ""  # the head of the table in which the passage begins: what its columns are
    judged: Judged | None = None  # where the small reader has read it

    @property
    def head(self) -> str:
        """The head and the rule of the table in which it begins, ready to stand above its rows."""
        columns = self.columns.strip()
        if not columns:
            return ""
        count = columns.replace("\\|", "").strip("|").count("|") + 1
        return f"{columns}\n|{' --- |' * count}\n"

    @property
    def url(self) -> str:
        """The page that shows the passage highlighted."""
        return source_url(self.document_id, self.document_version, self.start, self.end)


@dataclass(frozen=True)
class Nearest:
    """A document that comes nearest to a question that no document answers."""

    document_id: int
    title: str
    url: str
    why: str  # one sentence: what it has and what it lacks


@dataclass(frozen=True)
class Filters:
    """A caller's own narrowing of a search; empty fields narrow nothing."""

    document_type: str = ""
    source: str = ""
    document_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class LeftOut:
    """A chunk that was looked at and not given; ``why``: "duplicate" or "beyond limit"."""

    chunk_id: str
    document_id: int
    score: float
    scores: Scores
    why: str


@dataclass(frozen=True)
class SearchResult:
    """Ranked passages, best first, and what can be said about the search as a whole.

    ``answerable`` (0..1): from one half on the documents answer the question, which refuses as
    many answerable ones as ``REFUSED_ANSWERABLE`` says. ``certainty`` (0..1) is how many of such
    searches brought the evidence. ``unknown`` are codes that the question names and no document
    has: then nothing answers it. ``signals`` are what was judged by, ``degraded`` names stages
    that could not be used. ``hidden`` counts what the index found and the rows do not show to the
    asker; ``in_sight`` of ``indexed`` chunks were in their audience.
    """

    passages: tuple[Passage, ...]
    answerable: float
    took_ms: float
    searched: int  # documents that the caller may see
    build_id: int | None
    degraded: tuple[str, ...] = ()  # of "dense", "rerank" and "reader"
    certainty: float = 0.0
    unknown: tuple[str, ...] = ()
    signals: Mapping[str, float] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()  # best first
    hidden: int = 0
    in_sight: int = 0
    indexed: int = 0


@dataclass(frozen=True)
class Shelf:
    """What a reader may search, for the empty page."""

    documents: int
    kinds: tuple[tuple[str, int], ...]  # (label, count), largest first
    newest_title: str = ""
    newest_url: str = ""
    newest_at: str = ""  # ISO 8601
    as_of: str = ""  # ISO 8601, of the active build


@dataclass(frozen=True)
class Span:
    """A stretch of a version's text, in code points; without a document it was removed."""

    document_id: int | None
    version_number: int
    start: int
    end: int


@dataclass(frozen=True)
class SpanText:
    """A span as a reader may see it now.

    ``gone`` is None, ``removed`` or ``restricted``; then ``text`` is None. ``before`` and ``after``
    hold up to 160 characters on either side.
    """

    text: str | None
    gone: str | None
    before: str
    after: str
    current_version: int | None  # the version that answers now
    title: str
    uploaded_at: str  # ISO 8601, of the span's version
    review_by: str = ""  # ISO 8601 date, of the document; empty where none is set
    is_overdue: bool = False  # that day has passed


@dataclass(frozen=True)
class Later:
    """What became of a passage of an earlier version in the one that answers now.

    ``state`` is ``same``, ``changed``, ``gone``, or ``unknown`` where nobody looked. ``start`` and
    ``end`` lie in the text of ``version``; ``pieces`` are (``same``, ``del`` or ``ins``, words) of
    a passage that changed.
    """

    state: str
    version: int
    since: str  # ISO 8601
    start: int = 0
    end: int = 0
    pieces: tuple[tuple[str, str], ...] = ()


def source_url(document_id: int, version: int, start: int, end: int) -> str:
    """The page of a version with a passage highlighted."""
    return f"/sources/{document_id}/v{version}/?start={start}&end={end}"
