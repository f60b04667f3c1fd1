"""What goes into the reader and what comes out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """A passage to be read."""

    text: str
    # Sentences or other units to be judged, as (start, end) in the text. Where there are none, the
    # text is judged as one.
    spans: tuple[tuple[int, int], ...]
    heading: str = ""


@dataclass(frozen=True)
class Reading:
    """Chances, 0..1."""

    answerable: float  # that the page holds an answer to the question
    # That this one holds it, aligned with the page's spans. Those that were not read have 0.
    sentences: tuple[float, ...]
