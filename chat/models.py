"""What is said: conversations, messages, citations, feedback."""

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils import timezone

from chat.ledger import Budget, ModelCall, Spending, Voice
from chat.tracerows import Instruction, RestingModel, Trace
from core.models import TimeStampedModel

if TYPE_CHECKING:
    from users.models import User

__all__ = [
    "Budget",
    "ChatSession",
    "Citation",
    "Feedback",
    "Instruction",
    "Message",
    "MessageState",
    "ModelCall",
    "RestingModel",
    "Spending",
    "Trace",
    "Voice",
]


class ChatSessionQuerySet(models.QuerySet["ChatSession"]):
    def of(self, user: "User | AnonymousUser") -> "ChatSessionQuerySet":
        """The caller's own conversations that are not deleted; nobody's for who is nobody."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(user_id=user.pk, is_active=True)


class ChatSession(TimeStampedModel):
    """A conversation. Deleting hides it at once; the sweep removes it after ten minutes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="chat_sessions"
    )
    title = models.CharField(max_length=200, blank=True)
    title_is_theirs = models.BooleanField(default=False)  # renamed by the reader
    model = models.CharField(max_length=100, blank=True)
    is_active = models.BooleanField(default=True)
    deleted_at = models.DateTimeField(null=True, blank=True, db_index=True)
    last_activity = models.DateTimeField(default=timezone.now)
    # What is remembered beside the last turns; see chat.remembering.
    remembered_from = models.PositiveIntegerField(default=0)  # ordinal; forgotten before it
    summary = models.TextField(blank=True)
    summary_by = models.CharField(max_length=100, blank=True)  # a model, or "questions"
    summary_until = models.PositiveIntegerField(default=0)  # ordinal; what lies before it is told
    summary_documents = models.JSONField(default=list, blank=True)  # whose words are in it
    # Raised whenever another version is shown; see chat.branches.
    branch = models.PositiveIntegerField(default=0, db_default=0)

    objects = ChatSessionQuerySet.as_manager()

    class Meta:
        ordering = ["-last_activity", "-created_at"]
        indexes = [
            models.Index(fields=["user", "-last_activity"], name="sessions_of_a_user"),
            models.Index(fields=["last_activity"], name="sessions_by_age"),
        ]

    def __str__(self) -> str:
        return self.title or str(self.id)


class MessageState(models.TextChoices):
    RUNNING = "running"  # a process holds the lease and writes
    DONE = "done"  # finished; `outcome` says how
    STOPPED = "stopped"  # by the reader; the text so far stands
    INTERRUPTED = "interrupted"  # its process died or drained; the text so far stands
    FAILED = "failed"  # nothing could be answered


class MessageQuerySet(models.QuerySet["Message"]):
    def of(self, user: "User | AnonymousUser") -> "MessageQuerySet":
        """Messages of the caller's own conversations that are not deleted."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(session__user_id=user.pk, session__is_active=True)


class Message(TimeStampedModel):
    """A question, or the answer to it. The row is the journal of a running answer."""

    State = MessageState

    class Role(models.TextChoices):
        USER = "user"
        ASSISTANT = "assistant"

    class Outcome(models.TextChoices):
        ANSWERED = "answered"
        NOT_FOUND = "not_found"
        GENERAL = "general"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="messages")
    ordinal = models.PositiveIntegerField()  # from 0 within the conversation
    role = models.CharField(max_length=10, choices=Role.choices)
    text = models.TextField(blank=True)  # an answer: Markdown with [n] marks, append-only
    # Which of several versions; see chat.branches.
    is_chosen = models.BooleanField(default=True, db_default=True)  # among those at its place
    is_shown = models.BooleanField(default=True, db_default=True)  # on the conversation's branch
    follows = models.ForeignKey(  # a question: the answer that it was asked after
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    version_of = models.ForeignKey(  # an edited question: its first wording
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    # From here on: the assistant's alone.
    question = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="answers"
    )
    state = models.CharField(max_length=12, choices=MessageState.choices, default=MessageState.DONE)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, null=True, blank=True)
    model = models.CharField(max_length=100, blank=True)  # "extractive", or the model's name
    confidence = models.CharField(max_length=10, blank=True)  # high, medium, low
    notice = models.JSONField(null=True, blank=True)  # {"code", "detail"}
    nearest = models.JSONField(default=list, blank=True)  # document ids, when not found
    sentences = models.JSONField(default=list, blank=True)
    degraded = models.JSONField(default=list, blank=True)
    retrieval = models.JSONField(default=dict, blank=True)  # scores by stage: staff only
    # {"orders": {...}, "moderation": {...}}: what was found in question and answer, without text
    safety = models.JSONField(default=dict, blank=True)
    options = models.JSONField(default=dict, blank=True)  # top_k, include_sources, filters
    prompt_version = models.CharField(max_length=20, blank=True)  # of a model's answer: "1", "1.7"
    tokens_used = models.PositiveIntegerField(default=0)
    processing_time = models.PositiveIntegerField(default=0)  # ms
    searched = models.PositiveIntegerField(default=0)  # documents that were searched
    # See chat.sharing: the key under which it may be given again, and whether one was looked for.
    share_key = models.CharField(max_length=64, blank=True)
    cache = models.CharField(max_length=4, blank=True)  # "hit": an earlier answer, or "miss"
    # One message for one key: POSTed twice, answered once.
    idempotency_key = models.CharField(max_length=200, null=True, blank=True)
    request_hash = models.CharField(max_length=64, blank=True)
    asker = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    # The lease of the process that writes; every write repeats the token.
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    stop_requested = models.BooleanField(default=False)

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["session", "ordinal"]
        constraints = [
            models.UniqueConstraint(fields=["session", "ordinal"], name="messages_have_an_order"),
            models.UniqueConstraint(
                fields=["asker", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="one_answer_to_a_key",
            ),
        ]
        indexes = [
            models.Index(
                fields=["lease_until"], condition=Q(state="running"), name="running_answers"
            ),
            models.Index(
                fields=["share_key", "created_at"],
                condition=~Q(share_key=""),
                name="answers_to_give_again",
            ),
            models.Index(
                fields=["cache", "created_at"], condition=~Q(cache=""), name="answers_looked_for"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.id}"


class Citation(models.Model):
    """A footnote: a number of an answer bound to a span of a document's version.

    The quoted words are not copied: they are read from the version, so a deleted document leaves
    none of its text here. Document and version may go; number, title and offsets stay.
    """

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="citations")
    number = models.PositiveIntegerField()  # from 1, in order of appearance
    document = models.ForeignKey(
        "knowledge.Document", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    version = models.ForeignKey(
        "knowledge.DocumentVersion", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    document_number = models.BigIntegerField()  # the document's id, kept when the document goes
    version_number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    heading = models.CharField(max_length=500, blank=True)
    page = models.PositiveIntegerField(null=True, blank=True)
    start = models.PositiveIntegerField()  # of the quoted span
    end = models.PositiveIntegerField()
    passage_start = models.PositiveIntegerField()  # of the passage around it
    passage_end = models.PositiveIntegerField()
    score = models.FloatField(default=0.0)

    class Meta:
        ordering = ["message", "number"]
        constraints = [
            models.UniqueConstraint(fields=["message", "number"], name="one_source_a_number")
        ]

    def __str__(self) -> str:
        return f"[{self.number}] {self.title}"


class TokenRate(models.Model):
    """How many tokens a model's provider counts for one of our estimate."""

    model = models.CharField(max_length=100, unique=True)
    ratio = models.FloatField(default=1.0)

    def __str__(self) -> str:
        return f"{self.model}: {self.ratio:.2f}"


class Feedback(TimeStampedModel):
    """A reader's thumb on an answer; one a message, the last one counts."""

    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="feedback")
    rating = models.SmallIntegerField(choices=[(1, "helped"), (-1, "did not help")])
    comment = models.TextField(blank=True, max_length=2000)

    def __str__(self) -> str:
        return f"{self.rating:+d}"
