"""``manage.py check_stream URL``: whether a proxy in front lets streams through as they come."""

import json
from argparse import ArgumentParser
from time import monotonic
from typing import Any

import httpx
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core.stream_check import SENTENCES, TOKEN_HEADER, Verdict, judge, make_token

CONNECT_SECONDS = 10
TROUBLESOME = {"gzip", "br", "deflate", "zstd"}


class Command(BaseCommand):
    help = (
        "Read a stream of timed events through the public address and say whether something on "
        "the way gathers or cuts it. Run it where SECRET_KEY is the site's."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", nargs="?", default=settings.SITE_URL, help="the public address")
        parser.add_argument(
            "--silence", type=int, default=0, help="seconds of silence before the last event"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        verdict, notes = check(options["url"].rstrip("/"), options["silence"])
        for line in notes:
            self.stdout.write(line)
        told = f"{verdict.heaps} separate arrivals, longest gap {verdict.longest_gap:.2f} s."
        if not verdict.is_good:
            raise CommandError(f"{verdict.sentence} ({told})")
        self.stdout.write(self.style.SUCCESS(f"{verdict.sentence} ({told})"))


def check(url: str, silence: int = 0) -> tuple[Verdict, list[str]]:
    """The verdict on an address, and what was noticed beside.

    Raises:
        CommandError: nothing answers there, or not with a stream.
    """
    headers = {
        TOKEN_HEADER: make_token(),
        "Accept": "text/event-stream",
        "Accept-Encoding": "gzip, deflate, br",
    }
    timeout = httpx.Timeout(silence + 30.0, connect=CONNECT_SECONDS)
    address = f"{url}/health/stream/events/?silence={silence}"
    reading = _Reading()
    try:
        with httpx.stream("GET", address, headers=headers, timeout=timeout) as answer:
            if answer.status_code != 200:
                raise CommandError(_refused(answer.status_code))
            notes = _notes(answer)
            reading.read(answer)
    except httpx.InvalidURL as error:
        raise CommandError(f"{url} is no address: {error}.") from error
    except httpx.HTTPError as error:
        if not reading.came:
            raise CommandError(f"{url} did not answer: {type(error).__name__}.") from error
        return judge(reading.sent, reading.came, is_whole=False), notes
    return judge(reading.sent, reading.came, is_whole=reading.is_whole), notes


class _Reading:
    """The times of the events as they come; lines are read whole, however they are cut."""

    def __init__(self) -> None:
        self.sent: list[float] = []
        self.came: list[float] = []
        self.is_whole = False

    def read(self, answer: httpx.Response) -> None:
        for line in answer.iter_lines():
            if line.startswith("data:"):
                body = json.loads(line[5:])
                self.sent.append(float(body["at"]))
                self.came.append(monotonic())
                self.is_whole = body["n"] == body["of"]


def _notes(answer: httpx.Response) -> list[str]:
    """What the headers already give away."""
    found = []
    encoding = answer.headers.get("Content-Encoding", "identity").lower()
    if encoding in TROUBLESOME:
        found.append(f"The stream is compressed ({encoding}): a compressor gathers what it packs.")
    if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
        found.append("The answer is no event stream: the address may belong to something else.")
    return found


def _refused(status: int) -> str:
    if status == 404:
        return "The stream was refused (404). Run this command where SECRET_KEY is the site's."
    return f"The address answered {status}. {SENTENCES['empty']}"
