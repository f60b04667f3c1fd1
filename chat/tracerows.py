"""How answers came to be, and which models rest: the rows. ``chat.models`` lists them for Django.

A trace holds no document's words and no copy of what was said: numbers, places and references, from
which the page of it is put together when it is read (``chat.retelling``). So what is erased from
documents and conversations is erased from it too. What went to a model and stands nowhere else is
kept in fields of its own, which are emptied with any document that may be in it.
"""

from django.db import models


class Trace(models.Model):
    """What is known of the making of one answer, beside its own row and its calls of models.

    ``summary`` is what was remembered of the older part of the conversation when it was written. It
    may hold words of ``summary_documents`` and goes with any of them, and when the reader clears
    the memory.

    ``kept`` are words of a request that stand nowhere else, by the keys that ``body`` refers to: a
    call of a function and what it brought, a sentence that was held back, an earlier summary. They
    go with any of ``kept_documents``.
    """

    message = models.OneToOneField("chat.Message", on_delete=models.CASCADE, related_name="trace")
    day = models.DateField(db_index=True)  # in TIME_ZONE, when it began
    body = models.JSONField(default=dict)  # see chat.tracing
    summary = models.TextField(blank=True)
    summary_documents = models.JSONField(default=list, blank=True)
    kept = models.JSONField(default=dict, blank=True, db_default={})
    kept_documents = models.JSONField(default=list, blank=True, db_default=[])
    # For figures: sentences by verdict, known when the answer has ended.
    supported = models.PositiveIntegerField(default=0)
    partly = models.PositiveIntegerField(default=0)
    unsupported = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()
        permissions = [("read_said", "Can read in traces what was asked and answered")]

    def __str__(self) -> str:
        return f"trace of {self.message_id}"


class Instruction(models.Model):
    """The fixed words at the head of a prompt, once for all traces that were written under them."""

    digest = models.CharField(max_length=64, primary_key=True)  # SHA-256
    text = models.TextField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.digest[:12]


class RestingModel(models.Model):
    """A model that one process leaves alone for a while: its circuit breaker is not closed."""

    process = models.CharField(max_length=40)
    model = models.CharField(max_length=100)
    until = models.DateTimeField()  # then one call tries it

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["process", "model"], name="one_row_a_resting_model")
        ]

    def __str__(self) -> str:
        return f"{self.model} until {self.until}"
