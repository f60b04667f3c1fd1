"""The work: a version into chunks and vectors, and all of them into an index build."""

from knowledge.indexing.building import build_index
from knowledge.indexing.due import is_build_due
from knowledge.indexing.processing import due_version_ids, give_up_exhausted, process_version
from knowledge.indexing.restoring import restore

__all__ = [
    "build_index",
    "due_version_ids",
    "give_up_exhausted",
    "is_build_due",
    "process_version",
    "restore",
]
