"""``manage.py check_index``: the drift meter, database against index."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from knowledge.indexing import drift
from knowledge.retrieval.types import IndexUnusable


class Command(BaseCommand):
    help = (
        "Compare the chunks in the database with those in the active index build. Ends with 1 "
        "where they differ."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--repair", action="store_true", help="build the index again, then compare once more"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = drift.measure_now(repairs=options["repair"])
        except IndexUnusable as error:
            raise CommandError(
                f"The active build cannot be read: {error}. Build the index again."
            ) from error
        facts = found.as_dict()
        if options["json"]:
            self.stdout.write(json.dumps({**facts, "zero": found.is_zero}))
        else:
            for name, number in facts.items():
                self.stdout.write(f"{name.replace('_', ' ')}: {number}")
            self.stdout.write("Database and index agree." if found.is_zero else "They differ.")
        if not found.is_zero:
            sys.exit(1)
