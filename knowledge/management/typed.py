"""A word that must be typed before something is done that cannot be undone."""

import sys
from typing import Protocol

from django.core.management.base import CommandError


class Out(Protocol):
    def write(self, msg: str) -> object: ...


def require_word(out: Out, what: str, word: str) -> None:
    """Say what will be done and ask for the word; raises CommandError for any other."""
    out.write(f"{what}\nType “{word}” to go on:")
    typed = sys.stdin.readline()
    if " ".join(typed.split()).casefold() != " ".join(word.split()).casefold():
        raise CommandError("Nothing was done: the word was not typed.")
