"""What identifies the vectors of passages: model, weights, and the words put before them."""

import hashlib

_LENGTH = 6  # hex digits; an installation tries a handful of prefixes


def with_prefix(fingerprint: str, passage_prefix: str) -> str:
    """A model's fingerprint, with a mark of the passages' prefix where there is one.

    The questions' prefix is no part of it: changing it embeds no passage again.
    """
    if not passage_prefix:
        return fingerprint
    digest = hashlib.sha256(passage_prefix.encode()).hexdigest()
    return f"{fingerprint}+{digest[:_LENGTH]}"


def without_prefix(fingerprint: str) -> str:
    """The model and its weights alone."""
    name, at, rest = fingerprint.rpartition("@")
    return f"{name}{at}{rest.partition('+')[0]}"
