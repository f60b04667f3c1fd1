"""What was fitted on an installation's own golden questions, to know when not to answer."""

import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone

from core.models import TimeStampedModel


class CalibrationQuerySet(models.QuerySet["Calibration"]):
    """The fits, the newest first."""

    def in_use(self) -> Self:
        """The one that decides now, if any: the last that came to its end and was not undone."""
        done = self.filter(state=Calibration.State.DONE, undone_at=None)
        return done.order_by("-finished_at")


class Calibration(TimeStampedModel):
    """A fit of "not found". The row is the queue: a worker has it while its lease lasts.

    ``values`` are weights and lines as the shipped calibration has them, with their provenance;
    ``figures`` are kept and refused before and after, with intervals.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Fitting"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    # A key that is never given twice: processes keep what they have read under it.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    values = models.JSONField(default=dict, blank=True)
    figures = models.JSONField(default=dict, blank=True)
    asked = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    finished_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    objects = CalibrationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "not-found fit"
        indexes = [models.Index(fields=["state", "finished_at"], name="calibration_in_use")]

    def __str__(self) -> str:
        return f"fit of {self.created_at:%Y-%m-%d %H:%M}"
