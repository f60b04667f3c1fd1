"""Questions with the quotes that answer them, runs over them, and what each run found.

Evidence is bound by its quote, not by a chunk: it is looked up in the text that answers now, so
that it survives another splitting and new versions of its document.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.models import TimeStampedModel
from knowledge.models import Document, IndexBuild


class QuestionSet(TimeStampedModel):
    """Questions that are asked together."""

    class Kind(models.TextChoices):
        GOLDEN = "golden", "Golden: the gate of index releases asks these"
        FEEDBACK = "feedback", "Feedback"
        SYNTHETIC = "synthetic", "Synthetic"
        PUBLIC = "public", "Public"
        ADVERSARIAL = "adversarial", "Adversarial"

    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=60, unique=True, help_text="Its name in commands.")
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.GOLDEN)
    description = models.TextField(blank=True)
    frozen_at = models.DateTimeField(null=True, blank=True)  # then its questions stay as they are
    content_hash = models.CharField(max_length=64, blank=True)  # when it was frozen

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Question(TimeStampedModel):
    """A question as somebody asks it, and what is right to come of it."""

    class Kind(models.TextChoices):
        FACT = "fact", "One fact"
        MULTI = "multi", "Several passages"
        IDENTIFIER = "identifier", "A code or name"
        UNANSWERABLE = "unanswerable", "Nothing answers it"
        RESTRICTED = "restricted", "For some groups"

    class Outcome(models.TextChoices):
        ANSWERED = "answered", "Answered from the documents"
        NOT_FOUND = "not_found", "Not in the documents"

    class Status(models.TextChoices):
        PROPOSED = "proposed", "Proposed"
        ACCEPTED = "accepted", "Accepted"
        RETIRED = "retired", "Retired"

    question_set = models.ForeignKey(
        QuestionSet, on_delete=models.CASCADE, related_name="questions"
    )
    key = models.CharField(max_length=100)  # what tells it from the others when imported again
    text = models.TextField()
    history = models.JSONField(default=list, blank=True)  # [{"role", "text"}], the turns before it
    language = models.CharField(max_length=20, blank=True)
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.FACT)
    expected_outcome = models.CharField(
        max_length=10, choices=Outcome.choices, default=Outcome.ANSWERED
    )
    reference_answer = models.TextField(blank=True)
    must_include = models.JSONField(default=list, blank=True)  # strings that an answer has
    # Names and no relation: a group that is deleted must not turn this into anybody's question.
    as_groups = models.JSONField(default=list, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PROPOSED)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["question_set", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["question_set", "key"], name="one_key_a_set")
        ]
        indexes = [models.Index(fields=["question_set", "status"], name="question_asked")]

    def __str__(self) -> str:
        return self.text[:80]


class Evidence(models.Model):
    """A quote of a document that answers a question; without a quote the document as a whole.

    Without a document it was erased: the row stays to say so, the words do not.
    """

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="evidence")
    document = models.ForeignKey(
        Document, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    quote = models.TextField(blank=True)
    grade = models.PositiveSmallIntegerField(default=1, help_text="1 to 3; 3 answers best.")
    # Where in its text the quote stood, 0..1: it chooses among several places with these words.
    position = models.FloatField(null=True, blank=True)
    # What `evaluation.watching` found: the version (its id) in which it was looked for last, the
    # number of the newest version that has the quote, and of the one that lost it, if one did.
    checked_version = models.PositiveBigIntegerField(null=True, blank=True, editable=False)
    found_in = models.PositiveIntegerField(null=True, blank=True, editable=False)
    lost_in = models.PositiveIntegerField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["question", "pk"]
        verbose_name_plural = "evidence"
        constraints = [
            models.CheckConstraint(
                condition=Q(grade__gte=1, grade__lte=3), name="evidence_grades_are_1_to_3"
            )
        ]

    def __str__(self) -> str:
        return f"evidence {self.pk}"


class RunState(models.TextChoices):
    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class Run(TimeStampedModel):
    """A set asked of one build. The row is the queue: a worker has it while its lease lasts."""

    State = RunState

    class Origin(models.TextChoices):
        COMMAND = "command", "Command"
        ADMIN = "admin", "Asked for in admin"
        WEEKLY = "weekly", "Weekly"
        GATE = "gate", "Gate of a release"

    class Verdict(models.TextChoices):
        NONE = "", "Not judged"
        PASSED = "passed", "Passed"
        FAILED = "failed", "Failed"
        TOO_FEW = "too_few", "Too few to judge"
        SKIPPED = "skipped", "Skipped"

    # None: the gate asks the questions of all golden sets.
    question_set = models.ForeignKey(
        QuestionSet, null=True, blank=True, on_delete=models.CASCADE, related_name="runs"
    )
    set_hash = models.CharField(max_length=64, blank=True)  # of the questions that were asked
    build = models.ForeignKey(
        IndexBuild, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    build_number = models.PositiveBigIntegerField(null=True, blank=True)  # outlives the row
    baseline = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.ADMIN)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    configuration = models.JSONField(default=dict, blank=True)
    configuration_hash = models.CharField(max_length=64, blank=True)
    revision = models.CharField(max_length=64, blank=True)  # of the source code, where git says it
    seed = models.PositiveIntegerField(default=7)
    limit = models.PositiveIntegerField(null=True, blank=True)  # ask a sample of this many
    state = models.CharField(max_length=10, choices=RunState.choices, default=RunState.QUEUED)
    asked = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    # "figures" and "differences" by name, each with value, low, high and n; "counts"
    metrics = models.JSONField(default=dict, blank=True)
    verdict = models.CharField(
        max_length=10, choices=Verdict.choices, default=Verdict.NONE, blank=True
    )
    reason = models.CharField(max_length=500, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["state", "due_at"], name="run_queue")]

    def __str__(self) -> str:
        return f"run {self.pk}"


class Result(models.Model):
    """What one question brought in one run. It holds places in documents, no words of them."""

    class Fault(models.TextChoices):
        NONE = "", "Found"
        NOT_RETRIEVED = "not_retrieved", "Not among the candidates"
        RANKED_LOW = "ranked_low", "Ranked too low"
        DROPPED = "dropped", "Lost after ranking"
        UNRESOLVED = "unresolved", "Evidence is not in its document"
        FALSE_ANSWER = "false_answer", "Claims an answer"
        FALSE_REFUSAL = "false_refusal", "Found, but refused"
        LEAK = "leak", "Shows what the asker may not see"
        ERROR = "error", "Could not be asked"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="results")
    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="results")
    # [{"document_id", "version_id", "chunk_id", "start", "end", "score"}], best first
    passages = models.JSONField(default=list, blank=True)
    # {"ndcg@10": ..., "evidence@5": ...}; a figure that cannot be said is not there
    metrics = models.JSONField(default=dict, blank=True)
    stages = models.JSONField(default=dict, blank=True)  # {stage: the evidence's rank or None}
    latency = models.JSONField(default=dict, blank=True)  # {stage: ms}
    answerable = models.FloatField(default=0.0)
    certainty = models.FloatField(null=True, blank=True)  # 0..1; None: asked before it was kept
    degraded = models.JSONField(default=list, blank=True)  # stages that could not be used
    fault = models.CharField(max_length=16, choices=Fault.choices, default=Fault.NONE, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    answer = models.TextField(blank=True)  # of a run that asks for answers too

    class Meta:
        ordering = ["run", "question"]
        constraints = [
            models.UniqueConstraint(fields=["run", "question"], name="one_result_a_question")
        ]
        indexes = [models.Index(fields=["run", "fault"], name="result_fault")]

    def __str__(self) -> str:
        return f"result {self.pk}"
