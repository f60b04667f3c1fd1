"""A small model that reads question and page together: does the page answer, and which sentence."""

from knowledge.retrieval.reader.reader import Reader
from knowledge.retrieval.reader.types import Page, Reading
from knowledge.retrieval.reader.weights import BUNDLED, ReaderUnavailable

__all__ = ["BUNDLED", "Page", "Reader", "ReaderUnavailable", "Reading"]
