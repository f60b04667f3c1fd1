"""Releases of the index, what they are made with, and the row that orders them."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.models import TimeStampedModel


class BuildState(models.TextChoices):
    BUILDING = "building"  # written to a temporary folder
    ACTIVE = "active"  # every web process answers from it
    KEPT = "kept"  # was active, stays for a rollback
    REFUSED = "refused"  # complete on disk; the quality gate did not let it in
    FAILED = "failed"  # `error` says why; nothing of it is on disk
    REMOVED = "removed"  # its folder was deleted


class IndexConfiguration(TimeStampedModel):
    """The settings of splitting and search that releases carry, under a name; never changed."""

    name = models.CharField(max_length=100, unique=True)  # staff may give it a better one
    embedding_model = models.CharField(max_length=200)  # the model's fingerprint
    chunk_tokens = models.PositiveIntegerField()
    chunk_overlap_tokens = models.PositiveIntegerField()
    splitter = models.CharField(max_length=40)  # SplitterConfig.identity of the above
    top_k = models.PositiveIntegerField()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["embedding_model", "splitter", "top_k"], name="one_name_a_configuration"
            )
        ]

    def __str__(self) -> str:
        return self.name


class IndexBuild(TimeStampedModel):
    """One immutable snapshot of the index, a release; one of them is active."""

    State = BuildState

    state = models.CharField(max_length=10, choices=BuildState.choices, default=BuildState.BUILDING)
    engine = models.CharField(max_length=20, default="files")  # files | pgvector | milvus
    folder = models.CharField(max_length=100, blank=True)  # its name in the engine
    configuration = models.ForeignKey(
        IndexConfiguration, null=True, blank=True, on_delete=models.PROTECT, related_name="builds"
    )
    # The full build that this one adds a few documents to; None where it is a full one.
    base = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="extensions"
    )
    recent = models.PositiveIntegerField(default=0)  # chunks added to the base
    # What the quality gate found: {"verdict": "passed" | "failed" | "skipped", "reason", ...}
    gate = models.JSONField(default=dict, blank=True)
    overridden_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    override_reason = models.CharField(max_length=500, blank=True)
    model = models.CharField(max_length=200)  # the embedding model's fingerprint
    dimension = models.PositiveIntegerField(default=0)
    vectors = models.PositiveIntegerField(default=0)
    documents = models.PositiveIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)
    revision = models.PositiveBigIntegerField(default=0)  # of IndexState when its rows were read
    covers_until = models.DateTimeField(null=True, blank=True)  # when its rows were read
    # While it is made: {"step", "done", "total", "from", "since": ISO 8601} of the step at hand.
    progress = models.JSONField(default=dict, blank=True)
    manifest_sha256 = models.CharField(max_length=64, blank=True)
    error = models.CharField(max_length=500, blank=True)
    activated_at = models.DateTimeField(null=True, blank=True)
    built_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="active"), name="one_build_is_active"
            )
        ]

    def __str__(self) -> str:
        return f"build {self.pk}"


class IndexState(models.Model):
    """The one row that orders builds: work to do while ``wanted`` is above ``built``."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    wanted = models.PositiveBigIntegerField(default=0)  # raised with every change of what is known
    built = models.PositiveBigIntegerField(default=0)  # the revision of the active build
    # The same for full builds: what a few added documents cannot bring, such as an erasure.
    full_wanted = models.PositiveBigIntegerField(default=0)
    full_built = models.PositiveBigIntegerField(default=0)
    # Raised with every change of who may see what: it keys the masks that searches remember.
    audience = models.PositiveBigIntegerField(default=0)
    # The configuration that the gate refused; not built again before staff or settings say so.
    refused = models.ForeignKey(
        IndexConfiguration, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    # Since staff went back: {"build", "left", "documents": {document: the version that was left}},
    # and "ended_by" and "ended_at" once another build answers. See knowledge.indexing.rollbacks.
    rollback = models.JSONField(default=dict, blank=True)
    # The right to publish, held for seconds; and the right to make a full build, held for as long
    # as that takes, so that new documents need not wait for it.
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    full_attempts = models.PositiveSmallIntegerField(default=0)
    full_due_at = models.DateTimeField(default=timezone.now)
    full_lease_token = models.UUIDField(null=True, blank=True)
    full_lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_index_state")]

    def __str__(self) -> str:
        return f"{self.built} of {self.wanted}"
