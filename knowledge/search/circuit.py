"""A switch that opens when something fails again and again, and closes when it works again."""

import logging
import threading
from collections.abc import Callable
from time import monotonic

logger = logging.getLogger(__name__)

FAILURES = 3  # in a row; one slow question is no fault
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0


class Circuit:
    """Closed while it works. Open, nobody tries but a probe of its own, in the background.

        closed --(FAILURES in a row)--> open --(the probe succeeds)--> closed

    Args:
        probe: tries once, within a time of its own; whether it went well.
        name: what it is, for the log.
        first_pause: seconds before the first probe; each further one waits twice as long.
    """

    def __init__(
        self, probe: Callable[[], bool], name: str, first_pause: float = FIRST_PAUSE_SECONDS
    ) -> None:
        self._probe = probe
        self._name = name
        self._first_pause = first_pause
        self._lock = threading.Lock()
        self._failures = 0
        self._failed_at = 0.0
        self._is_open = False
        self._closed = threading.Event()  # for good: nobody asks any more

    @property
    def is_open(self) -> bool:
        """Whether one should not even try."""
        return self._is_open

    def succeed(self) -> None:
        """It worked."""
        with self._lock:
            self._failures = 0

    def fail(self, reason: str, began: float) -> None:
        """It failed, or took too long, for somebody who began then (``time.monotonic``).

        Those who waited side by side through one stall are one failure.
        """
        with self._lock:
            if began < self._failed_at:
                return
            self._failed_at = monotonic()
            self._failures += 1
            opens = self._failures >= FAILURES and not self._is_open
            self._is_open |= opens
        logger.warning("%s: %s", self._name, reason)
        if opens:
            logger.warning("%s is left out until it works again", self._name)
            threading.Thread(target=self._heal, name="circuit", daemon=True).start()

    def end(self) -> None:
        """Probe no more; what it guards has been replaced."""
        self._closed.set()

    def _heal(self) -> None:
        pause = self._first_pause
        while not self._closed.wait(pause):
            if self._probe():
                with self._lock:
                    self._failures = 0
                    self._is_open = False
                logger.info("%s works again", self._name)
                return
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
