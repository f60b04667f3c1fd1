"""Whether what stands in front of Footnote lets a stream through as it comes.

The server sends a dozen small events, a quarter of a second apart, each with the time at which it
went out. Whoever reads them compares that with the times at which they came: the page in a
browser (``stream-check.js``, which judges alike), and ``manage.py check_stream``.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from time import monotonic
from typing import Literal

from django.core.signing import BadSignature, TimestampSigner
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core.doors import may_see_parts
from core.sse import CONTENT_TYPE, HEADERS, EventStream

EVENTS = 12
GAP_SECONDS = 0.25
LONGEST_SILENCE = 90
TOKEN_SECONDS = 120
TOKEN_HEADER = "X-Stream-Check"  # noqa: S105 (a header's name)
# Two events that were sent this far apart and came together were gathered on the way.
TOGETHER_SECONDS = 0.05

Word = Literal["good", "gathered", "held", "cut", "empty"]
_SIGNER = "core.stream_check"
SENTENCES: dict[Word, str] = {
    "good": "Events come one by one, as they are sent. Answers will appear word by word.",
    "gathered": "Events come in heaps. Something on the way gathers them before it sends them on: "
    "switch off buffering for this site.",
    "held": "All events came at once, at the end. Something on the way buffers the whole stream: "
    "switch off buffering and compression for text/event-stream.",
    "cut": "The stream was cut before its end. Something on the way ends connections that are "
    "quiet: raise its read time-out above 60 seconds.",
    "empty": "No event came. The address may be wrong, or the stream was refused.",
}


@dataclass(frozen=True)
class Verdict:
    """``word`` for programs, ``sentence`` for people; times in seconds."""

    word: Word
    sentence: str
    heaps: int
    longest_gap: float

    @property
    def is_good(self) -> bool:
        return self.word == "good"


def judge(sent: Sequence[float], came: Sequence[float], *, is_whole: bool) -> Verdict:
    """What the times say.

    Args:
        sent: when each event went out, in seconds since the first one.
        came: when each came, in seconds by the reader's clock, whatever its zero.
        is_whole: whether the last event came.
    """
    gaps = [later - earlier for earlier, later in pairwise(came)]
    heaps = 1 + sum(gap > TOGETHER_SECONDS for gap in gaps) if came else 0
    word: Word = "good"
    if not came:
        word = "empty"
    elif not is_whole:
        word = "cut"
    elif came[-1] - came[0] < (sent[-1] - sent[0]) / 4:
        word = "held"
    elif heaps < 0.75 * len(came):
        word = "gathered"
    return Verdict(word, SENTENCES[word], heaps, max(gaps, default=0.0))


def make_token() -> str:
    """What lets somebody who knows the installation's key read the stream for two minutes."""
    return TimestampSigner(salt=_SIGNER).sign("stream")


def _has_token(request: HttpRequest) -> bool:
    try:
        TimestampSigner(salt=_SIGNER).unsign(
            request.headers.get(TOKEN_HEADER, ""), max_age=TOKEN_SECONDS
        )
    except BadSignature:
        return False
    return True


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The page that reads the stream and judges it; for staff and for callers on this machine."""
    if not may_see_parts(request):
        raise Http404
    return render(request, "core/stream_check.html")


@require_safe
def events(request: HttpRequest) -> HttpResponseBase:
    """The stream. ``?silence=N`` waits so many seconds before the last event, without a ping."""
    if not (_has_token(request) or may_see_parts(request)):
        raise Http404
    asked = request.GET.get("silence", "0")
    silence = min(int(asked), LONGEST_SILENCE) if asked.isascii() and asked.isdigit() else 0
    return EventStream(timed(silence), content_type=CONTENT_TYPE, headers=HEADERS)


async def timed(silence: int = 0) -> AsyncIterator[bytes]:
    """The events: ``n``, ``of`` and ``at``, the seconds since the first one went out."""
    began = monotonic()
    for number in range(1, EVENTS + 1):
        is_last = number == EVENTS
        if number > 1:
            await asyncio.sleep(silence + GAP_SECONDS if is_last else GAP_SECONDS)
        body = {"n": number, "of": EVENTS, "at": round(monotonic() - began, 3)}
        yield f"event: tick\ndata: {json.dumps(body)}\n\n".encode()
