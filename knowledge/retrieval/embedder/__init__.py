"""Texts to vectors: what every embedder offers, the local one and the one behind an API."""

from knowledge.retrieval.embedder.calls import Server
from knowledge.retrieval.embedder.local import LocalEmbedder, LocalOptions
from knowledge.retrieval.embedder.protocol import Embedder
from knowledge.retrieval.embedder.remote import RemoteEmbedder, RemoteOptions
from knowledge.retrieval.embedder.tokens import count_tokens_fast
from knowledge.retrieval.models import local_fingerprint
from knowledge.retrieval.types import EmbedderRefused, EmbedderUnavailable

__all__ = [
    "Embedder",
    "EmbedderRefused",
    "EmbedderUnavailable",
    "LocalEmbedder",
    "LocalOptions",
    "RemoteEmbedder",
    "RemoteOptions",
    "Server",
    "count_tokens_fast",
    "local_fingerprint",
]
