"""Knowledge in the admin: doors to the services, and nothing that writes by itself."""

from knowledge.admin.chunks import ChunkAdmin
from knowledge.admin.documents import DocumentAdmin
from knowledge.admin.index import IndexBuildAdmin

__all__ = ["ChunkAdmin", "DocumentAdmin", "IndexBuildAdmin"]
