"""What is known: documents, their versions, the chunks of a version, and index builds.

The rows are the truth. The index on disk is derived from them and can be built again at any time
without embedding anything a second time.
"""

from knowledge.models.builds import BuildState, IndexBuild, IndexConfiguration, IndexState
from knowledge.models.calibrations import Calibration
from knowledge.models.documents import Document, DocumentQuerySet
from knowledge.models.folders import WatchedFolder
from knowledge.models.receipts import Receipt
from knowledge.models.versions import Chunk, DocumentVersion, Embedding, VersionState
from knowledge.models.words import ExpansionTerm

__all__ = [
    "BuildState",
    "Calibration",
    "Chunk",
    "Document",
    "DocumentQuerySet",
    "DocumentVersion",
    "Embedding",
    "ExpansionTerm",
    "IndexBuild",
    "IndexConfiguration",
    "IndexState",
    "Receipt",
    "VersionState",
    "WatchedFolder",
]
