"""What a name may hold, at every door."""

import secrets
import unicodedata

from django.core.exceptions import ValidationError

from users.models import User

LONGEST_NAME = 100
# Controls of direction make one name look like another.
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_REFUSED = {"Cc", "Cs", "Zl", "Zp"}  # controls, lone surrogates, line and paragraph separators


def refuse_controls(text: str) -> None:
    """Validator of forms and serializers.

    Raises:
        ValidationError: a control character, a line break or a control of direction is in it.
    """
    if any(unicodedata.category(char) in _REFUSED or char in _BIDI for char in text):
        raise ValidationError("Control characters are not allowed here.", code="controls")


def clean_name(text: str) -> str:
    """NFC, trimmed; names that look the same are the same."""
    return unicodedata.normalize("NFC", text).strip()


def name_from_email(email: str) -> str:
    """A user name that is free now, made of an address so that nobody has to think of one."""
    start = email.partition("@")[0][: LONGEST_NAME - 10] or "reader"
    if not User.objects.filter(username__iexact=start).exists():
        return start
    return f"{start}-{secrets.token_hex(4)}"
