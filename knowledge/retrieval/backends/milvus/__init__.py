"""Releases in Milvus, for sites beyond one PostgreSQL; needs ``requirements-milvus.txt``.

The same client speaks to the light edition in a file, to a cluster and to the managed cloud.
"""

from knowledge.retrieval.backends.milvus.engine import MilvusEngine
from knowledge.retrieval.backends.milvus.index import MilvusIndex

__all__ = ["MilvusEngine", "MilvusIndex"]
