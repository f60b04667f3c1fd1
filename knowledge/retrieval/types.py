"""The values and errors of retrieval.

RetrievalError
├── EmbedderUnavailable  the model is missing, damaged or not what was expected
│   └── EmbedderRefused  asking again would change nothing: a wrong key, an unknown model
├── BuildFailed          an index could not be written, or does not read back as written
└── IndexUnusable        an index on disk is missing, damaged or of another kind
"""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]  # (d,), unit length
Vectors = NDArray[np.float32]  # (n, d), unit length each
Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
Scores = NDArray[np.float32]


class RetrievalError(Exception):
    """Something that retrieval needs is not as it should be."""


class EmbedderUnavailable(RetrievalError):
    """The embedding model cannot be used; the message says which file or name."""


class EmbedderRefused(EmbedderUnavailable):
    """The model's server will not do it until somebody changes a setting."""


class BuildFailed(RetrievalError):
    """An index was not written; what is in its folder must not be used."""


class IndexUnusable(RetrievalError):
    """An index on disk cannot be used; the message says why."""


class Scored(NamedTuple):
    """A row of the index with one stage's score: a cosine, or a BM25 sum."""

    row: int
    score: float


class Fused(NamedTuple):
    """A row with the scores of both stages, the sum that ranks it, and its coverage (0..1)."""

    row: int
    dense: float | None
    lexical: float | None
    fused: float
    coverage: float = 0.0


@dataclass(frozen=True)
class IndexRow:
    """A chunk as the index takes it."""

    chunk_id: UUID
    document_id: int
    version_id: int
    title: str
    heading: str
    text: str
    vector: Vector


@dataclass(frozen=True)
class Manifest:
    """What a release says about itself; ``sha256`` is the checksum of its own description."""

    rows: int  # without hidden ones
    documents: int
    dimension: int
    bytes: int  # of all files of the build
    sha256: str
    extra: dict[str, object]  # what the caller asked to be kept
    recent: int = 0  # rows, hidden ones included, that extensions added to the base
