"""Documents: what a manager owns, and the one rule of who may read it."""

from datetime import date
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, Group
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from core.models import TimeStampedModel
from knowledge.models.folders import WatchedFolder

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
