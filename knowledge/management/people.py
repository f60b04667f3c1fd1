"""Who gives an order that the admin's journal keeps."""

from django.core.management.base import CommandError

from users.models import User, normalise_email

_WHO = "Say who you are with --by EMAIL: the journal names who erases documents."


def person_in_charge(email: str | None) -> User:
    """The account of an address; without one, the only active superuser.

    Raises CommandError where the address has no account, or where it could be anybody.
    """
    if email:
        person = User.objects.filter(email=normalise_email(email)).first()
        if person is None:
            raise CommandError(f"There is no account {email}.")
        return person
    superusers = list(User.objects.filter(is_superuser=True, is_active=True)[:2])
    if len(superusers) != 1:
        raise CommandError(_WHO)
    return superusers[0]
