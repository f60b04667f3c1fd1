"""What is known: documents, their versions, the chunks of a version, and index builds.

The rows are the truth. The index on disk is derived from them and can be built again at any time
without embedding anything a second time.
"""

import uuid
from datetime import date
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, Group
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from core.models import TimeStampedModel

if TYPE_CHECKING:
    from users.models import User


class DocumentQuerySet(models.QuerySet["Document"]):
    def visible_to(self, user: "User | AnonymousUser | None") -> "DocumentQuerySet":
        """Active documents for everyone, or with one of the caller's groups; staff too.

        With ``visible_to_groups`` the one place that decides who may read what. It fails closed: a
        caller who is nobody, or who is not active, sees what is for everyone, and a restricted
        document that lost its last group is for nobody.
        """
        if user is not None and user.is_authenticated and user.is_active:
            return self.visible_to_groups(Group.objects.filter(user=user).values("pk"))
        return self.visible_to_groups(())

    def visible_to_groups(self, group_ids: Any) -> "DocumentQuerySet":
        """What someone with just these groups, given as ids or as a query, may read."""
        public = Q(is_restricted=False, groups=None)
        if isinstance(group_ids, models.QuerySet) or group_ids:
            return self.filter(public | Q(groups__in=group_ids), is_active=True).distinct()
        return self.filter(public, is_active=True)

    def in_force(self, today: date | None = None) -> "DocumentQuerySet":
        """Those whose day it is: in effect, not expired, not replaced by one that answers.

        No question of who may read it: an old answer's footnote into an expired document stays
        readable. ``today`` is the date in ``TIME_ZONE``.
        """
        day = today or timezone.localdate()
        in_effect = Q(effective_from=None) | Q(effective_from__lte=day)
        not_expired = Q(expires_on=None) | Q(expires_on__gte=day)
        successor = Document.objects.filter(
            in_effect, not_expired, is_active=True, pk=OuterRef("superseded_by")
        ).exclude(active_version=None)
        return self.filter(in_effect, not_expired, ~Exists(successor))

    def answering(self, today: date | None = None) -> "DocumentQuerySet":
        """Those in force that a release knows: they answer on that day."""
        return self.in_force(today).exclude(active_version=None)


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


class Document(TimeStampedModel):
    """A thing that a knowledge manager owns: title, source, type, audience, active or not."""

    class Type(models.TextChoices):
        FAQ = "faq", "FAQ"
        ARTICLE = "article", "Article"
        POLICY = "policy", "Policy"
        MANUAL = "manual", "Manual"
        OTHER = "other", "Other"

    title = models.CharField(max_length=200)
    source = models.CharField(max_length=200, blank=True)  # where it comes from, in words or a URL
    document_type = models.CharField(max_length=50, choices=Type.choices, default=Type.OTHER)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    groups = models.ManyToManyField(
        Group, blank=True, help_text="Only these groups may read it. Empty means everyone."
    )
    # Stored, as a group that is deleted takes its rows along and must not open the document.
    is_restricted = models.BooleanField(default=False, editable=False)
    is_active = models.BooleanField(
        default=True, help_text="An inactive document answers nothing, from this moment on."
    )
    uploaded_at = models.DateTimeField(default=timezone.now, db_index=True)
    effective_from = models.DateField(
        null=True, blank=True, help_text="It answers from this day on."
    )
    review_by = models.DateField(
        null=True, blank=True, help_text="After this day its footnotes say that a review is due."
    )
    expires_on = models.DateField(
        null=True, blank=True, help_text="The last day on which it answers."
    )
    superseded_by = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="supersedes",
        help_text="The document that answers in its place.",
    )
    # Where it came from, if a folder is watched; the path is relative to the folder's.
    watched_folder = models.ForeignKey(
        WatchedFolder, null=True, blank=True, on_delete=models.SET_NULL, related_name="documents"
    )
    watched_path = models.CharField(max_length=500, blank=True)
    # IndexState's `wanted` when what the index holds of it last changed: a release whose own
    # revision is lower does not know of that change.
    revision = models.PositiveBigIntegerField(default=0, db_index=True, editable=False)
    # The version that answers; None until the first one is in the active build.
    active_version = models.ForeignKey(
        "knowledge.DocumentVersion",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    objects = DocumentQuerySet.as_manager()

    class Meta:
        ordering = ["-uploaded_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["watched_folder", "watched_path"],
                condition=Q(watched_folder__isnull=False),
                name="one_document_a_watched_file",
            )
        ]

    def __str__(self) -> str:
        return self.title


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
    chunk_count = models.PositiveIntegerField(default=0)
    # The row is the queue.
    state = models.CharField(
        max_length=12, choices=VersionState.choices, default=VersionState.QUEUED, db_index=True
    )
    step = models.CharField(max_length=12, choices=Step.choices, default=Step.WAITING)
    percent = models.PositiveSmallIntegerField(default=0)
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


class ExpansionTerm(TimeStampedModel):
    """A word that staff list so that questions are searched in other wordings too.

    ``alternatives`` has one a line: what the term is also called, words of the field that it
    belongs to here, or, for an action, nothing: the term itself is put before the keywords.
    """

    class Kind(models.TextChoices):
        SYNONYM = "synonym", "Also called"
        DOMAIN = "domain", "Belongs to the field of"
        ACTION = "action", "Form of a request"

    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.SYNONYM)
    term = models.CharField(max_length=100)
    alternatives = models.TextField(max_length=2000, blank=True)

    class Meta:
        ordering = ["kind", "term"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "term"], name="a_term_is_listed_once_a_kind")
        ]

    def __str__(self) -> str:
        return self.term

    @property
    def alternative_list(self) -> list[str]:
        """The alternatives, one a line, without blank ones."""
        return [line.strip() for line in self.alternatives.splitlines() if line.strip()]
