"""The orders: what a door may do to documents, versions and builds. Verbs, one transaction each."""

from knowledge.services.builds import activate_build, request_rebuild
from knowledge.services.changes import (
    DocumentChanges,
    set_active,
    set_groups,
    update_document,
)
from knowledge.services.deleting import delete_document
from knowledge.services.documents import NewDocument, add_document
from knowledge.services.uploads import NewFile
from knowledge.services.versions import add_version, cancel, reprocess

__all__ = [
    "DocumentChanges",
    "NewDocument",
    "NewFile",
    "activate_build",
    "add_document",
    "add_version",
    "cancel",
    "delete_document",
    "reprocess",
    "request_rebuild",
    "set_active",
    "set_groups",
    "update_document",
]
