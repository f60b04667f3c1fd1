"""Accounts: signing up, turning a visitor into a member, the profile, deactivation."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from core.errors import Conflict, Invalid
from users.addresses import refuse_unmailable
from users.models import User, normalise_email
from users.names import clean_name, name_from_email
from users.passwords import check_new_password, hash_password
from users.services.verification import send_verification
from users.tokens import revoke_all

EMAIL_TAKEN = "This e-mail already has an account. Sign in instead?"
NAME_TAKEN = "This name is taken."
PROFILE_FIELDS = frozenset({"username", "first_name", "last_name"})


@dataclass(frozen=True)
class NewAccount:
    """What someone typed to sign up; without a user name one is made from the address."""

    email: str
    password: str
    username: str = ""
    first_name: str = ""
    last_name: str = ""


def sign_up(new: NewAccount) -> User:
    """Make a member and queue the verification mail.

    Raises:
        Invalid: the address cannot be mailed, it or the name is taken, or the password breaks a
            rule.
    """
    new, password = _checked(new)
    try:
        with transaction.atomic():
            user = User.objects.create(
                email=new.email,
                username=new.username,
                first_name=new.first_name,
                last_name=new.last_name,
                password=password,
            )
            send_verification(user)
    except IntegrityError as error:  # another request was quicker
        raise _clash(new) from error
    return user


def convert_visitor(user: User, new: NewAccount) -> User:
    """Make a visitor a member: same row, every chat kept, all tokens of the visitor dead.

    Whoever planted or copied a visitor's session must not inherit the member, so the version of
    the tokens is raised; the door issues new ones and renews the page's session.

    Raises:
        Conflict: the account is a member's already, also where two requests race.
        Invalid: the address or the name is taken, or the password breaks a rule.
    """
    if not user.is_visitor:
        raise _converted_already()
    new, password = _checked(new, user)
    try:
        with transaction.atomic():
            _become_member(user, new, password)
            user.refresh_from_db()
            send_verification(user)
    except IntegrityError as error:
        raise _clash(new, user) from error
    revoke_all(user)
    return user


def update_profile(user: User, changes: Mapping[str, str]) -> User:
    """Change names; other keys are ignored.

    Raises:
        Invalid: the user name is taken.
    """
    wanted = {key: clean_name(text) for key, text in changes.items() if key in PROFILE_FIELDS}
    if "username" in wanted and _is_name_taken(wanted["username"], user):
        raise Invalid(fields={"username": [NAME_TAKEN]})
    try:
        with transaction.atomic():
            User.objects.filter(pk=user.pk).update(**wanted, updated_at=timezone.now())
    except IntegrityError as error:
        raise Invalid(fields={"username": [NAME_TAKEN]}) from error
    user.refresh_from_db()
    return user


def deactivate(user: User) -> None:
    """Shut an account at every door at once, and end its tokens."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(
            is_active=False, token_version=F("token_version") + 1, updated_at=timezone.now()
        )
        revoke_all(user)
    user.refresh_from_db()


def _become_member(user: User, new: NewAccount, password: str) -> None:
    became = User.objects.filter(pk=user.pk, user_type=User.Type.ANONYMOUS, is_active=True).update(
        user_type=User.Type.AUTHENTICATED,
        email=new.email,
        username=new.username,
        first_name=new.first_name or user.first_name,
        last_name=new.last_name or user.last_name,
        password=password,
        token_version=F("token_version") + 1,
        updated_at=timezone.now(),
    )
    if not became:
        raise _converted_already()


def _checked(new: NewAccount, visitor: User | None = None) -> tuple[NewAccount, str]:
    """The account as it will be stored, and the password's hash: work outside any transaction."""
    email = normalise_email(new.email)
    username = clean_name(new.username) or name_from_email(email)
    new = replace(
        new,
        email=email,
        username=username,
        first_name=clean_name(new.first_name),
        last_name=clean_name(new.last_name),
    )
    like = User(email=email, username=username, first_name=new.first_name, last_name=new.last_name)
    wrong = _taken(new, visitor)
    try:
        refuse_unmailable(email)
    except ValidationError as error:
        wrong["email"] = error.messages
    try:
        check_new_password(new.password, like)
    except Invalid as error:  # all that is wrong is said at once
        wrong |= error.fields
    if wrong:
        raise Invalid(fields=wrong)
    return new, hash_password(new.password)


def _is_name_taken(username: str, own: User | None) -> bool:
    others = User.objects.exclude(pk=own.pk) if own else User.objects.all()
    return others.filter(Q(username=username) | Q(username__iexact=username)).exists()


def _taken(new: NewAccount, own: User | None = None) -> dict[str, list[str]]:
    fields = {}
    if User.objects.filter(email=new.email).exists():
        fields["email"] = [EMAIL_TAKEN]
    if _is_name_taken(new.username, own):
        fields["username"] = [NAME_TAKEN]
    return fields


def _clash(new: NewAccount, own: User | None = None) -> Invalid:
    return Invalid(fields=_taken(new, own) or {"username": [NAME_TAKEN]})


def _converted_already() -> Conflict:
    return Conflict("This account has been signed up already. Sign in with its e-mail.")
