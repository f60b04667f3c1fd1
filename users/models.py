"""Who is asking: members, staff and visitors."""

import unicodedata
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.models import TimeStampedModel


def normalise_email(email: str) -> str:
    """The one form in which an address is stored and looked up: NFKC, trimmed, lower case."""
    return unicodedata.normalize("NFKC", email).strip().lower()


class UserQuerySet(models.QuerySet["User"]):
    def members(self) -> "UserQuerySet":
        return self.filter(user_type=User.Type.AUTHENTICATED)

    def visitors(self) -> "UserQuerySet":
        return self.filter(user_type=User.Type.ANONYMOUS)

    def unverified(self) -> "UserQuerySet":
        return self.members().filter(is_verified=False, is_staff=False)


class UserManager(BaseUserManager["User"]):
    """Makes users; ``createsuperuser`` and Django's backends look here."""

    def get_queryset(self) -> UserQuerySet:
        return UserQuerySet(self.model, using=self._db)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=normalise_email(username or ""))

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A member. The password is hashed, not validated: validation belongs to the doors."""
        email = normalise_email(email)
        fields.setdefault("username", email)
        fields.setdefault("user_type", User.Type.AUTHENTICATED)
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A member with every right, verified from the start."""
        return self.create_user(
            email, password, is_staff=True, is_superuser=True, is_verified=True, **fields
        )


class User(AbstractBaseUser, PermissionsMixin, TimeStampedModel):
    """A person, or a visitor: a user without credentials, made at the first message."""

    class Type(models.TextChoices):
        ANONYMOUS = "anonymous"  # a visitor; e-mail is null, the password unusable
        AUTHENTICATED = "authenticated"  # signed up; e-mail and password

    email = models.EmailField(unique=True, null=True, blank=True)  # always normalise_email()'d
    username = models.CharField(max_length=254, unique=True)
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    user_type = models.CharField(
        max_length=16, choices=Type.choices, default=Type.AUTHENTICATED, db_index=True
    )
    is_verified = models.BooleanField(default=False)  # has opened the link in the mail
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    # Raised by password change, conversion and deactivation; a token with another number is dead.
    token_version = models.PositiveIntegerField(default=0)
    verification_sent_at = models.DateTimeField(null=True, blank=True)
    verification_count = models.PositiveSmallIntegerField(default=0)
    last_seen_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(user_type="anonymous", email=None)
                | Q(user_type="authenticated", email__isnull=False),
                name="members_have_an_email_visitors_none",
            )
        ]

    def __str__(self) -> str:
        return self.identifier

    @property
    def identifier(self) -> str:
        """The e-mail address, or ``visitor-<id>``."""
        return self.email or f"visitor-{self.pk}"

    @property
    def is_visitor(self) -> bool:
        return self.user_type == self.Type.ANONYMOUS

    @property
    def display_name(self) -> str:
        """What pages call the person."""
        full = f"{self.first_name} {self.last_name}".strip()
        return full or (self.email or "Visitor").split("@")[0]


class TokenFamily(TimeStampedModel):
    """One log-in by API and all the refresh tokens that came of it.

    Reuse of an already rotated token is the sign of a theft: the family is revoked as a whole.
    """

    id = models.UUIDField(primary_key=True)
    user = models.ForeignKey("users.User", on_delete=models.CASCADE, related_name="token_families")
    current_jti = models.CharField(max_length=64)  # the only refresh token that is still good
    rotated_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.id)


class DataExport(TimeStampedModel):
    """A ZIP of all that is someone's, made in the background and fetched by a mailed link."""

    class State(models.TextChoices):
        QUEUED = "queued"  # waits for a worker
        RUNNING = "running"  # a worker writes it; lease_until says how long it is believed
        READY = "ready"  # the file is there until expires_at
        FAILED = "failed"  # three attempts failed

    user = models.ForeignKey("users.User", on_delete=models.CASCADE, related_name="exports")
    token = models.CharField(max_length=64, unique=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    file = models.CharField(max_length=200, blank=True)  # storage name
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"export {self.pk}"
