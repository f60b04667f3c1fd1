"""The orders: what a door may do to documents, versions and builds. Verbs, one transaction each."""

from knowledge.services.builds import activate_build, override_gate, request_rebuild
from knowledge.services.bulk import Outcome, cancel_many, reprocess_many
from knowledge.services.changes import (
    DocumentChanges,
    set_active,
    set_groups,
    update_document,
)
from knowledge.services.dates import KEPT, Term
from knowledge.services.deleting import delete_document, delete_documents
from knowledge.services.documents import NewDocument, add_document
from knowledge.services.emptying import empty_knowledge_base
from knowledge.services.receipts import Erasure
from knowledge.services.uploads import NewFile
from knowledge.services.versions import add_version, cancel, reprocess

__all__ = [
    "KEPT",
    "DocumentChanges",
    "Erasure",
    "NewDocument",
    "NewFile",
    "Outcome",
    "Term",
    "activate_build",
    "add_document",
    "add_version",
    "cancel",
    "cancel_many",
    "delete_document",
    "delete_documents",
    "empty_knowledge_base",
    "override_gate",
    "reprocess",
    "reprocess_many",
    "request_rebuild",
    "set_active",
    "set_groups",
    "update_document",
]
