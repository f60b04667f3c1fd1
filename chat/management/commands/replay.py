"""``manage.py replay``: one answer made once more on today's index, and what is different."""

import json
import sys
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder

from chat.again import CannotReplay, Wish, again, stage
from chat.comparing import Comparison, Made
from chat.runtime import runtime

DIFFERENT, ERROR = 1, 2
_SHOWN = 12  # candidates that changed, of each answer


class Command(BaseCommand):
    help = (
        "Make an answer once more on today's index and settings, with the permissions of its "
        "asker, and show what is different. Nothing is written to the conversation. Ends with 0 "
        "where nothing is different, with 1 where something is, and with 2 where it could not be "
        "made."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("message", help="the id of an answer")
        parser.add_argument(
            "--search-only", action="store_true", help="search and decide, and write nothing"
        )
        parser.add_argument("--model", default="", help="a model of the list, or extractive")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        wish = Wish(search_only=options["search_only"], model=options["model"])
        try:
            run = stage(_id(options["message"]), wish)
        except CannotReplay as error:
            raise CommandError(str(error), returncode=ERROR) from error
        found = runtime().call(again(run, runtime(), wish)).result()
        if options["json"]:
            self.stdout.write(
                json.dumps(found.as_dict(), cls=DjangoJSONEncoder, ensure_ascii=False)
            )
        else:
            self.stdout.write("\n".join(lines(found)))
        if found.changed:
            sys.exit(DIFFERENT)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise CommandError(
            f"{text} is no id of a message: an id has 36 characters, such as in the address of "
            "a trace.",
            returncode=ERROR,
        ) from None


def lines(found: Comparison) -> list[str]:
    """A comparison as plain text."""
    before, after = found.before, found.after
    same = "Nothing is different."
    told = [
        f"Question: {found.question}",
        f"Different: {', '.join(found.changed)}." if found.changed else same,
        *_pair("Searched for", "; ".join(before.queries), "; ".join(after.queries)),
        *_pair("Build", before.build, after.build),
        *_pair("Likelihood of an answer", before.answerable, after.answerable),
        *_pair("Outcome", before.outcome, after.outcome),
    ]
    for one in found.moved[:_SHOWN]:
        places = f"{one.then or '-'} -> {one.now or '-'}"
        told.append(f"  {one.change}: {places}  {one.title} {one.heading}".rstrip())
    if len(found.moved) > _SHOWN:
        told.append(f"  and {len(found.moved) - _SHOWN} more")
    if found.search_only:
        not_asked = "Moderation: not asked again, as nothing is written."
        return [*told, not_asked] if before.moderation else told
    return [*told, *_answer(found, before, after)]


def _answer(found: Comparison, before: Made, after: Made) -> list[str]:
    seconds = (f"{before.milliseconds / 1000:.1f} s", f"{after.milliseconds / 1000:.1f} s")
    signs = {"same": "{}", "del": "[-{}-]", "ins": "{{+{}+}}"}
    return [
        *_pair("Model", before.model, after.model),
        *_pair("Notice", before.notice, after.notice),
        *_pair("Moderation, asked again", before.moderation, after.moderation),
        *_pair("Took", *seconds),
        *(f"  source went: {one['title']}" for one in found.went),
        *(f"  source came: {one['title']}" for one in found.came),
        "",
        "".join(signs[piece.kind].format(piece.text) for piece in found.pieces),
    ]


def _pair(name: str, then: Any, now: Any) -> list[str]:
    if then == now:
        return [f"{name}: {then}"] if then not in {None, ""} else []
    return [f"{name}: {then or '-'} -> {now or '-'}"]
