"""Which e-mail addresses an account may have, at every door."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

LONGEST_ADDRESS = 254
NOT_MAILABLE = "No mail can be sent to this address."


def refuse_unmailable(email: str) -> None:
    """Hold an address, in its stored form, against what a mail's header can carry.

    Forms look at an address as it was typed; normalising can lengthen it and put spaces into it.

    Raises:
        ValidationError: it is no address, too long, or its domain has no form in IDNA.
    """
    validate_email(email)
    try:
        email.rpartition("@")[2].encode("idna")
    except UnicodeError as error:
        raise ValidationError(NOT_MAILABLE, code="unmailable") from error
    if len(email) > LONGEST_ADDRESS:
        raise ValidationError(NOT_MAILABLE, code="unmailable")
