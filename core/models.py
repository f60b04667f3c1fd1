"""Rows that all apps share: time stamps, rate windows, periodic windows, mail that waits."""

from django.db import models
from django.utils import timezone


class TimeStampedModel(models.Model):
    created_at = models.DateTimeField(default=timezone.now, editable=False, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class RateWindow(models.Model):
    """How often a key was used in one window; exact across processes, unlike a cache key."""

    key = models.CharField(max_length=200)  # "chat_user:17:60", never an address in clear
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(db_index=True)
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "starts_at"], name="one_row_a_rate_window")
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.count}"


class PeriodicRun(models.Model):
    """One claimed window of a periodic job: two beats, one effect."""

    name = models.CharField(max_length=100)
    window = models.CharField(max_length=40)  # a local date, or the start of an hour
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField()
    report = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "window"], name="one_run_a_window")]

    def __str__(self) -> str:
        return f"{self.name} {self.window}"


class OutboundMail(TimeStampedModel):
    """A message that must go out once, whatever dies in between."""

    key = models.CharField(max_length=120, unique=True)  # one mail an event: "verify:17:2"
    to = models.EmailField()
    subject = models.CharField(max_length=200)
    text = models.TextField()
    html = models.TextField(blank=True)
    due_at = models.DateTimeField(default=timezone.now, db_index=True)
    sent_at = models.DateTimeField(null=True, blank=True, db_index=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return self.key
