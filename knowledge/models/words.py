"""Words that questions are also searched in."""

from django.db import models

from core.models import TimeStampedModel


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
