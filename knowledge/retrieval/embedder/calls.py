"""One request after another to a server that speaks OpenAI's embeddings protocol.

What passes by itself (a full server, a lost connection) is tried again after a pause; what does
not (a wrong key, an unknown model) is said at once.
"""

import email.utils
import json
import logging
import random
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
import numpy as np

from knowledge.retrieval.types import EmbedderRefused, EmbedderUnavailable, Vectors

logger = logging.getLogger(__name__)

Kind = Literal["query", "passage"]

_OPENAI = "https://api.openai.com/v1"
_CONNECT_SECONDS = 5.0
_MOST_BYTES = 64 * 1024 * 1024  # of an answer; 32 vectors of 4,096 numbers are 3 MB
_PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_TOO_MUCH = frozenset({413, 422})
_LONGEST_RETRY_AFTER = 120.0  # seconds; who asks for more is tried by the next build


@dataclass(frozen=True)
class Server:
    """Where the model is, and how it wants to be asked.

    ``input_type``: ``on`` says with each request whether the texts are questions or passages, as
    NVIDIA's retrieval models need; ``auto`` does where the server is NVIDIA's or asks for it.
    """

    model: str
    base_url: str = ""
    api_key: str = ""
    input_type: str = "auto"

    @property
    def url(self) -> str:
        """Its address, up to and with ``/v1``."""
        return (self.base_url or _OPENAI).rstrip("/")

    @property
    def place(self) -> str:
        """Host, port and path without the usual ``/v1``: what tells one server from another."""
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
        return f"{host}{port}{parts.path.removesuffix('/v1')}"

    @property
    def is_nvidia(self) -> bool:
        """Whether it is one of NVIDIA's own."""
        return f".{urlsplit(self.url).hostname}".endswith(".nvidia.com")


@dataclass(frozen=True)
class Patience:
    """How often and how long one request is tried; pauses double, with jitter."""

    attempts: int
    seconds: float  # for one answer
    first_pause: float = 0.5
    longest_pause: float = 30.0


FOR_PASSAGES = Patience(attempts=6, seconds=60.0)
FOR_QUERIES = Patience(attempts=1, seconds=5.0)  # whoever asked has gone by then


class _Passing(Exception):
    """Worth another try, after so many seconds if the server said."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


class _Divide(Exception):
    """Fewer texts at a time, please."""


class Calls:
    """Threads may share it; connections are kept open between calls."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._says_type = server.input_type == "on" or (
            server.input_type == "auto" and server.is_nvidia
        )
        headers = {"Authorization": f"Bearer {server.api_key}"} if server.api_key else {}
        self._client = httpx.Client(headers=headers, timeout=_CONNECT_SECONDS)
        weakref.finalize(self, self._client.close)

    def embed(self, texts: Sequence[str], kind: Kind, patience: Patience) -> Vectors:
        """The vectors as the server gives them, shape (n, d), finite, in the order of the texts.

        Raises:
            EmbedderRefused: trying again would change nothing.
            EmbedderUnavailable: it did not work this time.
        """
        pause = patience.first_pause
        for attempt in range(1, patience.attempts + 1):
            try:
                return self._once(texts, kind, patience.seconds)
            except _Divide:
                return self._divided(texts, kind, patience)
            except _Passing as passing:
                after = passing.after or 0.0
                if attempt == patience.attempts or after > _LONGEST_RETRY_AFTER:
                    raise EmbedderUnavailable(f"The embedding server {passing}.") from passing
                logger.info("the embedding server %s; attempt %d", passing, attempt)
                # Never before the server's time, and not all callers at once.
                time.sleep(after + random.uniform(0, pause))  # noqa: S311  (no secret)
                pause = min(pause * 2, patience.longest_pause)
        raise EmbedderUnavailable("The embedding server was not asked.")

    def _divided(self, texts: Sequence[str], kind: Kind, patience: Patience) -> Vectors:
        if len(texts) == 1:
            raise EmbedderRefused(
                "The embedding server finds a passage too long: lower EMBEDDING_MAX_TOKENS."
            )
        half = len(texts) // 2
        parts = (texts[:half], texts[half:])
        return np.concatenate([self.embed(part, kind, patience) for part in parts])

    def _once(self, texts: Sequence[str], kind: Kind, seconds: float) -> Vectors:
        says_type = self._says_type
        status, headers, data = self._post(self._body(texts, kind, says_type=says_type), seconds)
        if self._asks_otherwise(status, data):
            self._says_type = not says_type
            logger.info("the embedding server is asked with input_type: %s", not says_type)
            body = self._body(texts, kind, says_type=not says_type)
            status, headers, data = self._post(body, seconds)
        if status == httpx.codes.OK:
            return _vectors(data, len(texts))
        if status in _TOO_MUCH:
            raise _Divide
        if status in _PASSING or status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise _Passing(f"answered with status {status}", _retry_after(headers))
        raise EmbedderRefused(self._sentence(status))

    def _asks_otherwise(self, status: int, data: bytes) -> bool:
        """Whether the server misses ``input_type``, or does not know it."""
        may_learn = self._server.input_type == "auto"
        return may_learn and status in {400, 422} and b"input_type" in data

    def _body(self, texts: Sequence[str], kind: Kind, *, says_type: bool) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._server.model,
            "input": list(texts),
            "encoding_format": "float",
        }
        return body | {"input_type": kind, "truncate": "END"} if says_type else body

    def _post(self, body: dict[str, Any], seconds: float) -> tuple[int, httpx.Headers, bytes]:
        until = time.monotonic() + seconds
        timeout = httpx.Timeout(seconds, connect=min(_CONNECT_SECONDS, seconds))
        address = f"{self._server.url}/embeddings"
        try:
            with self._client.stream("POST", address, json=body, timeout=timeout) as response:
                data = bytearray()
                for chunk in response.iter_bytes():
                    data += chunk
                    if len(data) > _MOST_BYTES or time.monotonic() > until:
                        raise _Passing("answers without end")
                return response.status_code, response.headers, bytes(data)
        except httpx.TimeoutException as error:
            raise _Passing("did not answer in time") from error
        except httpx.RequestError as error:
            raise _Passing(f"cannot be reached ({type(error).__name__})") from error

    def _sentence(self, status: int) -> str:
        if status in {401, 403}:
            return "The embedding server refuses the key: look at EMBEDDING_API_KEY."
        if status == httpx.codes.NOT_FOUND:
            return (
                f"The embedding server does not know the model {self._server.model!r} or this "
                "address: look at EMBEDDING_MODEL and EMBEDDING_BASE_URL."
            )
        return f"The embedding server refuses the request with status {status}."


def _vectors(data: bytes, count: int) -> Vectors:
    """The vectors of an answer, each in the place that it says."""
    try:
        items = json.loads(data)["data"]
        places = [int(item.get("index", number)) for number, item in enumerate(items)]
        rows = np.asarray([item["embedding"] for item in items], dtype=np.float32)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _Passing("answered with something that is no list of vectors") from error
    if len(items) != count or sorted(places) != list(range(count)):
        raise _Passing(f"gave {len(items)} vectors for {count} texts")
    if rows.ndim != 2 or not rows.shape[1] or not np.isfinite(rows).all():
        raise _Passing("gave values that are no numbers")
    vectors: Vectors = np.empty_like(rows)
    vectors[places] = rows
    return vectors


def _retry_after(headers: httpx.Headers) -> float | None:
    """Seconds of a ``Retry-After`` header, which says them or a date."""
    said = headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(said).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError, OSError):  # a year of twenty figures
        return None
