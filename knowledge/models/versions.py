"""Versions of a document, their chunks, and the vectors of contents."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.models import TimeStampedModel
from knowledge.models.documents import Document


class VersionState(models.TextChoices):
    QUEUED = "queued"  # waits for a worker
    PROCESSING = "processing"  # a worker has the lease; `step` says how far it is
    EMBEDDED = "embedded"  # chunks and vectors are stored; waits for a build (shown as processing)
    READY = "ready"  # the active index answers from it
    FAILED = "failed"  # `error` says why, in words for a manager
    CANCELLED = "cancelled"  # by a manager, or overtaken by a newer version


class DocumentVersion(TimeStampedModel):
    """One uploaded content of a document: immutable, with its text and its processing state."""

    State = VersionState

    class Step(models.TextChoices):
        WAITING = "waiting"
        EXTRACTING = "extracting"
        SPLITTING = "splitting"
        EMBEDDING = "embedding"
        INDEXING = "indexing"
        DONE = "done"

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()  # from 1
    file = models.CharField(max_length=200)  # storage name: uuid and known extension, never theirs
    file_name = models.CharField(max_length=200)  # as uploaded, cleaned: for display only
    media_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64, db_index=True)
    # Extraction's results; offsets of chunks and citations count code points of `text`.
    text = models.TextField(blank=True)
    outline = models.JSONField(default=list, blank=True)  # [{"level", "title", "start"}]
    pages = models.JSONField(default=list, blank=True)  # start offset of each page, PDF only
    page_count = models.PositiveIntegerField(null=True, blank=True)  # of what has pages
    pages_done = models.PositiveIntegerField(null=True, blank=True)  # while it is read
    # [{"page": from 1, "characters": int, "kind": "text" | "empty" | "picture"}], of what has pages
    page_report = models.JSONField(default=list, blank=True)
    is_complete = models.BooleanField(default=True)  # False: parts of the file gave no text
    warnings = models.JSONField(default=list, blank=True)  # sentences for the manager
    # [{"start", "end", "manners", "heading", "page"}]: sentences that speak to an assistant
    orders = models.JSONField(default=list, blank=True)
    hides = models.JSONField(default=list, blank=True)  # sentences on what the file hides
    chunk_count = models.PositiveIntegerField(default=0)
    # The row is the queue.
    state = models.CharField(
        max_length=12, choices=VersionState.choices, default=VersionState.QUEUED, db_index=True
    )
    step = models.CharField(max_length=12, choices=Step.choices, default=Step.WAITING)
    percent = models.PositiveSmallIntegerField(default=0)
    # While it is embedded, of contents: {"done", "total", "from", "spent": seconds}, and for the
    # next turn {"splitter", "title"}: with what it was split and is embedded.
    progress = models.JSONField(default=dict, blank=True)
    error = models.CharField(max_length=500, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)  # counted in the claim, before the work
    due_at = models.DateTimeField(default=timezone.now)
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["document", "number"], name="version_numbers_are_unique"
            )
        ]
        indexes = [models.Index(fields=["state", "due_at"], name="version_queue")]

    def __str__(self) -> str:
        return f"{self.document_id} v{self.number}"


class Chunk(models.Model):
    """A span of a version's text: ``text == version.text[start:end]``."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="chunks")
    # Which splitting made it (``SplitterConfig.identity``): two may stand side by side while an
    # index of other settings is built.
    splitter = models.CharField(max_length=40)
    ordinal = models.PositiveIntegerField()  # from 0, in reading order
    heading = models.CharField(max_length=500, blank=True)  # path, " › " between levels
    page = models.PositiveIntegerField(null=True, blank=True)  # from 1
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    text = models.TextField()
    tokens = models.PositiveIntegerField()  # of the embedding model, title and heading included
    # SHA-256 of what was embedded (title, heading path and text): the key of its vector.
    content_hash = models.CharField(max_length=64, db_index=True)

    class Meta:
        ordering = ["version", "splitter", "ordinal"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "splitter", "ordinal"], name="chunk_ordinals_are_unique"
            ),
            models.CheckConstraint(
                condition=Q(end__gt=models.F("start")), name="chunks_have_length"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version_id}#{self.ordinal}"


class Embedding(models.Model):
    """A vector, stored once for a content and a model: float32, little endian, unit length."""

    content_hash = models.CharField(max_length=64)
    model = models.CharField(max_length=200)  # the model's fingerprint: name@hash
    dimension = models.PositiveIntegerField()
    vector = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["content_hash", "model"], name="one_vector_a_content")
        ]

    def __str__(self) -> str:
        return f"{self.content_hash[:12]} {self.model}"
