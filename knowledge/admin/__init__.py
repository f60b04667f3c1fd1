"""Knowledge in the admin: doors to the services, and nothing that writes by itself."""

from knowledge.admin.chunks import ChunkAdmin
from knowledge.admin.configurations import IndexConfigurationAdmin
from knowledge.admin.documents import DocumentAdmin
from knowledge.admin.folders import WatchedFolderAdmin
from knowledge.admin.index import IndexBuildAdmin
from knowledge.admin.receipts import ReceiptAdmin
from knowledge.admin.words import ExpansionTermAdmin

__all__ = [
    "ChunkAdmin",
    "DocumentAdmin",
    "ExpansionTermAdmin",
    "IndexBuildAdmin",
    "IndexConfigurationAdmin",
    "ReceiptAdmin",
    "WatchedFolderAdmin",
]
