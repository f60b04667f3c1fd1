"""A circuit breaker: a model that fails again and again is left alone for a while.

Closed, it lets every call through. After ``FAILURES`` faults in a row it opens: calls fail at once
and cost no reader any time. When its pause has passed one call tries; that one closes or opens it
again, so that a model that recovers is not run over (M. Nygard, Release It!, 2007). A provider's
``Retry-After`` opens it for just as long.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Literal

from chat.generation.modelconfig import ModelResting

State = Literal["closed", "open", "half_open"]
FAILURES = 5
FIRST_PAUSE, LONGEST_PAUSE = 15.0, 300.0  # seconds; doubled each time that the trial fails


@dataclass
class Breaker:
    """One model's, in one process. Changed in one thread, read in any."""

    clock: Callable[[], float] = monotonic
    longest: float = LONGEST_PAUSE  # seconds that it stays open at most
    faults: int = 0  # in a row
    _until: float | None = None  # open until then, afterwards half open
    _pause: float = FIRST_PAUSE
    _is_tried: bool = False  # the one call of the half open state is on its way

    @property
    def state(self) -> State:
        if self._until is None:
            return "closed"
        return "open" if self.clock() < self._until else "half_open"

    @property
    def seconds_left(self) -> float:
        """Until a call is let through again."""
        return max(0.0, (self._until or 0.0) - self.clock()) if self._until is not None else 0.0

    def check(self) -> None:
        """Whether a call would be let through.

        Raises:
            ModelResting: it would not.
        """
        state = self.state
        if state == "open" or (state == "half_open" and self._is_tried):
            raise ModelResting(self.seconds_left)

    def enter(self) -> None:
        """Before a call. Each is followed by ``succeeded``, ``failed`` or ``left``."""
        self.check()
        self._is_tried = self.state == "half_open"

    def succeeded(self) -> None:
        self.faults = 0
        self._until = None
        self._pause = FIRST_PAUSE
        self._is_tried = False

    def left(self) -> None:
        """A call ended and says nothing about the model: stopped, or refused for what it was."""
        self._is_tried = False

    def failed(self, retry_after: float | None = None) -> None:
        """A call failed, and it was the model's fault."""
        was_trial = self._until is not None
        self.faults += 1
        self._is_tried = False
        if retry_after:
            self._open(min(retry_after, self.longest))
        elif was_trial or self.faults >= FAILURES:
            self._open(self._pause)
            self._pause = min(2 * self._pause, self.longest)

    def _open(self, seconds: float) -> None:
        self._until = max(self.clock() + seconds, self._until or 0.0)
