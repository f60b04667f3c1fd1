"""The reader of this process, or none: settings into the plain package."""

import logging
import threading

from django.conf import settings

from knowledge.retrieval.reader import BUNDLED, Reader, ReaderUnavailable

logger = logging.getLogger(__name__)

OFF, MISSING, READY = "off", "missing", "ok"


class _Held:
    """The reader, made when it is first asked for; None after a failure, which is logged once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.is_loaded = False
        self.reader: Reader | None = None


_held = _Held()


def reader() -> Reader | None:
    """None where READER is off, or where its weights are missing or damaged."""
    if not settings.READER:
        return None
    with _held.lock:
        if not _held.is_loaded:
            _held.reader, _held.is_loaded = _loaded(), True
        return _held.reader


def fingerprint() -> str:
    """What the reader's share in an answer depends on; empty without a reader."""
    found = reader()
    return found.fingerprint if found else ""


def state() -> str:
    """For the health page: off, ok or missing."""
    if not settings.READER:
        return OFF
    return READY if reader() else MISSING


def forget() -> None:
    """Load it anew when it is next asked for; for tests that change the settings."""
    with _held.lock:
        _held.is_loaded, _held.reader = False, None


def warm_up() -> None:
    """Load the weights before the first question needs them."""
    reader()


def _loaded() -> Reader | None:
    try:
        return Reader(BUNDLED)
    except ReaderUnavailable as error:
        logger.warning("Answers go without the reader: %s", error)
        return None
