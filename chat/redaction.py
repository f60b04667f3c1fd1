"""Which words of a stored answer go when a document does."""

from collections.abc import Sequence

from chat.conf import EXTRACTIVE
from chat.generation.sentences import Sentence, marks_in, redact


def cover(
    model: str, answer: tuple[str, Sequence[Sentence]], gone: frozenset[int], words: str
) -> tuple[str, list[Sentence]]:
    """An answer without what it quotes from sources that are gone.

    A model's answer is its own words and stays. One that broke off before its sentences were noted
    is covered as a whole: nobody knows which of its words were quoted.

    Args:
        model: which the answer is of; empty where that was not noted.
        answer: its text and its sentences.
        gone: the numbers of the sources that are gone.
        words: what stands there instead.
    """
    text, sentences = answer
    if not gone or (model != EXTRACTIVE and sentences):
        return text, list(sentences)
    if not sentences and text.strip():
        numbers = marks_in(text) + tuple(n for n in sorted(gone) if n not in marks_in(text))
        sentences = [Sentence(0, len(text), numbers, "unknown")]
    return redact(text, sentences, gone, words)
