"""The proof of what was erased."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone


class Receipt(models.Model):
    """What was erased, where and when: the proof that outlives the words."""

    class Kind(models.TextChoices):
        DOCUMENT = "document", "Document erased"
        EVERYTHING = "everything", "Knowledge base emptied"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    document_ids = models.JSONField(default=list)  # numbers alone: a title may be what is erased
    sha256 = models.JSONField(default=list)  # of the erased files
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    reason = models.CharField(max_length=500, blank=True)
    requested_at = models.DateTimeField(default=timezone.now)
    # [{"place", "detail", "count", "at": ISO 8601}], in the order in which it went
    places = models.JSONField(default=list)
    # Index builds that may still hold the words; empty when it is complete.
    waits_for = models.JSONField(default=list)
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-requested_at"]

    def __str__(self) -> str:
        return f"receipt {self.id}"
