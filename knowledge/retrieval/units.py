"""Vectors at length 1."""

import numpy as np

from knowledge.retrieval.types import EmbedderUnavailable, Vectors


def unit(vectors: Vectors) -> Vectors:
    """The same directions at length 1; raises EmbedderUnavailable for a vector without one."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (lengths > 0).all():
        raise EmbedderUnavailable("The embedding model gave a vector without a direction.")
    scaled: Vectors = (vectors / lengths).astype(np.float32, copy=False)
    return scaled
