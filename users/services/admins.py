"""Administrators, as the commands make them."""

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from core.errors import Invalid
from users.addresses import refuse_unmailable
from users.models import User, normalise_email
from users.names import name_from_email
from users.passwords import check_new_password, hash_password
from users.services.accounts import EMAIL_TAKEN


def make_admin(email: str, password: str) -> User:
    """A member with every right, confirmed from the start.

    Raises:
        Invalid: no e-mail address or one that has an account, or the password breaks a rule.
    """
    email = normalise_email(email)
    try:
        refuse_unmailable(email)
    except ValidationError as error:
        raise Invalid(fields={"email": error.messages}) from error
    user = User(
        email=email,
        username=name_from_email(email),
        is_staff=True,
        is_superuser=True,
        is_verified=True,
    )
    check_new_password(password, user)
    user.password = hash_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise Invalid(fields={"email": [EMAIL_TAKEN]}) from error
    return user
