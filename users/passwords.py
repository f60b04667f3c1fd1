"""The one rule for passwords, and the one place where they are hashed and compared."""

from django.contrib.auth.hashers import (
    UNUSABLE_PASSWORD_PREFIX,
    check_password,
    make_password,
)
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from core.errors import Invalid
from core.limits import one_of_two_hashings
from users.models import User

SHORTEST = 8
LONGEST = 128  # a bound on the work of hashing and comparing, far above any phrase


class LengthValidator:
    """Between so many and so many characters (settings name the numbers)."""

    def __init__(self, shortest: int = SHORTEST, longest: int = LONGEST) -> None:
        self.shortest = shortest
        self.longest = longest

    def validate(self, password: str, user: object = None) -> None:
        if len(password) < self.shortest:
            raise ValidationError(
                f"The password needs at least {self.shortest} characters.", code="too_short"
            )
        if len(password) > self.longest:
            raise ValidationError(
                f"The password may have at most {self.longest} characters.", code="too_long"
            )

    def get_help_text(self) -> str:
        return f"Between {self.shortest} and {self.longest} characters."


def check_new_password(password: str, user: User, field: str = "password") -> None:
    """Hold a chosen password against the rules of ``settings.AUTH_PASSWORD_VALIDATORS``.

    Args:
        password: as chosen.
        user: whose it becomes, saved or not; the password may not resemble names or e-mail.
        field: the name under which the sentences are reported.

    Raises:
        Invalid: with a sentence for each rule that is broken.
    """
    try:
        # A huge text is not compared with anything: the comparison costs by its length.
        LengthValidator(shortest=0).validate(password)
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(fields={field: error.messages}) from error


def hash_password(password: str | None) -> str:
    """The hash to store; None gives one that no password fits."""
    if password is None:
        return make_password(None)
    with one_of_two_hashings():
        return make_password(password)


def is_password_right(password: str, user: User | None) -> bool:
    """Compare, at the cost of one hash whether or not there is such a user.

    A right password whose hash is of an older kind is hashed anew. The new hash replaces only the
    one that was compared, so that a password changed meanwhile stays changed. It is stored when the
    hashing is over: who waits for the database's lock must not keep others from hashing.
    """
    stored = user.password if user else UNUSABLE_PASSWORD_PREFIX
    anew: list[str] = []
    with one_of_two_hashings():
        is_right = check_password(
            password[: LONGEST + 1], stored, lambda right: anew.append(make_password(right))
        )
    if anew and user is not None:
        user.password = anew[0]
        User.objects.filter(pk=user.pk, password=stored).update(password=user.password)
    return is_right
