"""The one door for other apps: each call takes the user and answers within what they may see."""

from knowledge.ingestion.splitter import sentence_spans
from knowledge.retrieval.embedder import EmbedderUnavailable
from knowledge.search.audiences import Audience
from knowledge.search.columns import columns_at
from knowledge.search.examples import Example, examples
from knowledge.search.explaining import Candidate, Explanation, Ranks, explain
from knowledge.search.fingerprints import fingerprint
from knowledge.search.judging import fit_in_use, read_on
from knowledge.search.later import later
from knowledge.search.managed import ChunkPlace, places
from knowledge.search.nearest import nearest
from knowledge.search.opening import Listed, Opened, Place, list_documents, open_document
from knowledge.search.querying import embed, search, search_in, status, warm_up
from knowledge.search.shelf import shelf
from knowledge.search.spans import read_managed_spans, read_spans, removed_spans
from knowledge.search.withdrawn import withdrawn

__all__ = [
    "Audience",
    "Candidate",
    "ChunkPlace",
    "EmbedderUnavailable",
    "Example",
    "Explanation",
    "Listed",
    "Opened",
    "Place",
    "Ranks",
    "columns_at",
    "embed",
    "examples",
    "explain",
    "fingerprint",
    "fit_in_use",
    "later",
    "list_documents",
    "nearest",
    "open_document",
    "places",
    "read_managed_spans",
    "read_on",
    "read_spans",
    "removed_spans",
    "search",
    "search_in",
    "sentence_spans",
    "shelf",
    "status",
    "warm_up",
    "withdrawn",
]
