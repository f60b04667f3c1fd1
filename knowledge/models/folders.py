"""Folders that documents are kept equal to."""

from django.contrib.auth.models import Group
from django.db import models

from core.models import TimeStampedModel


class WatchedFolder(TimeStampedModel):
    """A folder that documents are kept equal to, by ``sync_folder`` and by beat."""

    path = models.CharField(max_length=500, unique=True)  # absolute
    document_type = models.CharField(max_length=50, default="other")
    groups = models.ManyToManyField(
        Group, blank=True, help_text="Only these groups may read its documents."
    )
    is_active = models.BooleanField(default=True, help_text="Looked at again and again by itself.")
    synced_at = models.DateTimeField(null=True, blank=True)
    # {"added", "updated", "removed", "unchanged": int, "failed": [{"path", "detail"}]}
    result = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["path"]

    def __str__(self) -> str:
        return self.path
