"""A reader of answers that costs next to nothing itself: plain sockets, no parsing of what is said.

The ``id`` of an event is the number of code points that were sent so far: with the moment at which
it came, that is all that is needed to tell when each token arrived.
"""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Told:
    """One answer as it came. Moments are of ``time.monotonic``."""

    number: int
    asked: float = 0.0
    first: dict[str, float] = field(default_factory=dict)  # kind of event -> its first moment
    ended: float = 0.0
    at: list[tuple[int, float]] = field(default_factory=list)  # code points so far, moment
    pings: int = 0
    error: str = ""
    answer: dict[str, Any] = field(default_factory=dict)

    @property
    def to_first(self) -> float:
        return self.first["token"] - self.asked

    @property
    def whole(self) -> float:
        return self.ended - self.asked


async def ask(url: str, token: str, question: str, number: int = 0) -> Told:
    """Ask and read to the end."""
    told = Told(number)
    place = urlsplit(url)
    told.asked = time.monotonic()
    try:
        reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=2**22)
    except OSError as error:
        told.error = repr(error)
        return told
    try:
        writer.write(_request(place.netloc, token, question))
        await _read(reader, told)
    except (OSError, asyncio.IncompleteReadError, ValueError) as error:
        told.error = told.error or repr(error)
    finally:
        told.ended = time.monotonic()
        writer.close()
    return told


def _request(host: str, token: str, question: str) -> bytes:
    body = json.dumps({"message": question}).encode()
    head = (
        f"POST /api/chat/stream/ HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    )
    return head.encode() + b"\r\n" + body


async def _read(reader: asyncio.StreamReader, told: Told) -> None:
    status = await reader.readline()
    if b" 200 " not in status:
        told.error = (status + await reader.read(2000)).decode("utf-8", "replace")[:300]
        return
    kind, offset = "", 0
    while line := await reader.readline():
        if line.startswith(b"id: "):
            offset = int(line[4:])
        elif line.startswith(b"event: "):
            kind = line[7:].strip().decode()
            now = time.monotonic()
            told.first.setdefault(kind, now)
            if kind == "token":
                told.at.append((offset, now))
        elif line.startswith(b": ping"):
            told.pings += 1
        elif line.startswith(b"data: ") and kind in {"done", "error"}:
            told.answer = json.loads(line[6:])
            told.error = _complaint(kind, told.answer)
            return
    told.error = "the stream ended without an end"


# Of questions that are fragments and an answer that is the same words for all.
_EXPECTED = frozenset({"other_language"})


def _complaint(kind: str, answer: dict[str, Any]) -> str:
    code = (answer.get("notice") or {}).get("code")
    is_well = kind == "done" and answer.get("state") == "done" and code in {None, *_EXPECTED}
    return (
        "" if is_well else f"{kind}: {answer.get('state')} {answer.get('notice') or answer}"[:300]
    )


def delays(told: Told, lengths: list[int], sent: list[float]) -> list[float]:
    """How long after its sending by the model each token was with the reader, in seconds.

    Args:
        told: what the reader saw.
        lengths: the code points of the answer behind each token.
        sent: the moment at which the model wrote each token.
    """
    found, at = [], 0
    for length, moment in zip(lengths, sent, strict=False):
        while at < len(told.at) and told.at[at][0] < length:
            at += 1
        if at == len(told.at):
            break
        found.append(told.at[at][1] - moment)
    return found
