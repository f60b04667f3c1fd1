"""Questions of many threads, embedded together: what waits goes into the next run."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import numpy as np

from knowledge.retrieval.types import EmbedderUnavailable, Vectors

logger = logging.getLogger(__name__)

MOST = 16  # texts in one run; from there on a run's time grows as its texts do
_IDLE_SECONDS = 30.0  # then a thread ends; the next question starts another in 0.1 ms

_Ask = tuple[tuple[str, ...], "Future[Vectors]"]


class QueryLine:
    """A queue before an embedder, with few threads of its own.

    Nobody waits for company: a lone question is embedded at once, and those that arrive meanwhile
    make the next run. A caller that gave up cancels, and is not embedded.
    """

    def __init__(self, embed: Callable[[Sequence[str]], Vectors], threads: int = 1) -> None:
        self._embed = embed
        self._threads = threads
        self._condition = threading.Condition()
        self._asks: deque[_Ask] = deque()
        self._running = 0
        self._idle = 0

    def ask(self, texts: Sequence[str]) -> "Future[Vectors]":
        """The vectors of some texts, shape (n, dimension), when their turn has come."""
        future: Future[Vectors] = Future()
        with self._condition:
            self._asks.append((tuple(texts), future))
            if self._idle:
                self._condition.notify()
            elif self._running < self._threads:
                self._running += 1
                threading.Thread(target=self._work, name="questions", daemon=True).start()
        return future

    def _work(self) -> None:
        while asks := self._next():
            self._run(asks)

    def _next(self) -> list[_Ask]:
        """Who goes next; nobody where nobody came for a while."""
        with self._condition:
            self._idle += 1
            came = self._condition.wait_for(lambda: bool(self._asks), _IDLE_SECONDS)
            self._idle -= 1
            if not came:
                self._running -= 1
                return []
            taken = [self._asks.popleft()]
            count = len(taken[0][0])
            while self._asks and count + len(self._asks[0][0]) <= MOST:
                count += len(self._asks[0][0])
                taken.append(self._asks.popleft())
            return taken

    def _run(self, asks: list[_Ask]) -> None:
        asks = [ask for ask in asks if ask[1].set_running_or_notify_cancel()]
        if not asks:
            return
        texts = [text for batch, _ in asks for text in batch]
        try:
            vectors = self._embed(texts)
            if len(vectors) != len(texts):
                raise EmbedderUnavailable("The embedding model gave another number of vectors.")
        except Exception as error:  # edge: a thread of its own; the callers get the fault
            if not isinstance(error, EmbedderUnavailable):
                logger.exception("questions could not be embedded")
            for _, future in asks:
                future.set_exception(error)
            return
        ends = np.cumsum([len(batch) for batch, _ in asks])[:-1]
        for (_, future), part in zip(asks, np.split(vectors, ends), strict=True):
            future.set_result(part)
