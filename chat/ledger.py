"""What models cost, and how the assistant speaks: the rows. ``chat.models`` lists them for Django.

Amounts that are compared under load are whole billionths of a US dollar (``nano``), since SQLite
has no exact decimals; a call keeps its cost as a decimal.
"""

from decimal import Decimal

from django.conf import settings
from django.core.validators import MaxLengthValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone


class CallOutcome(models.TextChoices):
    RUNNING = "running"  # its money is reserved until `lease_until`
    DONE = "done"
    TIMED_OUT = "timed_out"
    FAILED = "failed"
    STOPPED = "stopped"  # by the reader, or because the process went
    NOT_ASKED = "not_asked"  # the model was resting or full
    LOST = "lost"  # its process died; the prompt counts as spent


class ModelCall(models.Model):
    """One call of a model, from the reservation of its money to what it cost."""

    Outcome = CallOutcome

    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    day = models.DateField()  # in TIME_ZONE: the day whose budget it counts on
    model = models.CharField(max_length=100)
    purpose = models.CharField(max_length=20)
    message = models.ForeignKey(
        "chat.Message", null=True, blank=True, on_delete=models.SET_NULL, related_name="calls"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    outcome = models.CharField(
        max_length=10, choices=CallOutcome.choices, default=CallOutcome.RUNNING
    )
    tokens_in = models.PositiveIntegerField(default=0)
    tokens_out = models.PositiveIntegerField(default=0)
    is_estimated = models.BooleanField(default=True)  # False: the provider's own count
    cost = models.DecimalField(max_digits=16, decimal_places=9, default=Decimal(0))  # USD
    milliseconds = models.PositiveIntegerField(default=0)
    first_token_ms = models.PositiveIntegerField(null=True, blank=True)
    error = models.CharField(max_length=200, blank=True)  # in our words, never a text of anybody
    attempts = models.PositiveSmallIntegerField(default=1)
    repeated_for = models.CharField(max_length=200, blank=True)  # why, in our words
    longest_gap_ms = models.PositiveIntegerField(null=True, blank=True)  # between two tokens
    # What is held until the call ends.
    reserved_nano = models.BigIntegerField(default=0)
    prompt_nano = models.BigIntegerField(default=0)  # what the prompt alone costs
    scopes = models.JSONField(default=list)  # of the budgets that hold it
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["day", "model"], name="calls_by_day"),
            models.Index(
                fields=["lease_until"], condition=Q(outcome="running"), name="running_calls"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.purpose} {self.day}"


class Spending(models.Model):
    """What one budget has spent and reserved on one day. Changed by conditional updates alone."""

    day = models.DateField()
    scope = models.CharField(max_length=40)  # "all", "group:7", "person:12"
    spent_nano = models.BigIntegerField(default=0)
    reserved_nano = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "spending"
        constraints = [
            models.UniqueConstraint(fields=["day", "scope"], name="one_sum_a_day_and_scope"),
            models.CheckConstraint(condition=Q(reserved_nano__gte=0), name="nothing_freed_twice"),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.day}"


class Budget(models.Model):
    """How much a group together, or one person, may spend a day."""

    group = models.OneToOneField(
        "auth.Group", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    daily_usd = models.DecimalField(
        "US dollars a day",
        max_digits=10,
        decimal_places=2,
        validators=[MinValueValidator(Decimal(0))],
        help_text="0 means that only models without a price may be used.",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(group__isnull=False, person__isnull=True)
                | Q(group__isnull=True, person__isnull=False),
                name="a_group_or_a_person",
                violation_error_message="Choose a group or a person, not both.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.group or self.person}: {self.daily_usd} USD a day"


class Voice(models.Model):
    """How the assistant calls itself and how it writes; every row is a version, one is active.

    A version is never changed, so an answer's prompt can be told for as long as the answer is kept.
    """

    created_at = models.DateTimeField(default=timezone.now)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    name = models.CharField(
        max_length=60, blank=True, help_text="What the assistant calls itself when it is asked."
    )
    tone = models.CharField(
        max_length=200,
        blank=True,
        help_text="A few words, for instance: friendly and brief, plain English.",
    )
    instructions = models.TextField(
        "extra instructions",
        blank=True,
        validators=[MaxLengthValidator(2000)],
        help_text="Up to 2,000 characters. They stand below the fixed rules and cannot switch "
        "footnotes off.",
    )
    is_active = models.BooleanField(default=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_active"], condition=Q(is_active=True), name="one_voice_is_active"
            )
        ]

    def __str__(self) -> str:
        return f"Version {self.pk}"
