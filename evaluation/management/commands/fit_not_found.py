"""``manage.py fit_not_found``: fit "not found" on the golden questions, or go back."""

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from evaluation import calibrating
from evaluation.texts import fit_as_text


class Command(BaseCommand):
    help = (
        "Fit when a question counts as not found on this installation's golden questions, and "
        "say what that changes; with --undo the shipped calibration decides again."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--undo", action="store_true", help="put all fits aside")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["undo"]:
            count = calibrating.undo()
            self.stdout.write(
                "The shipped calibration decides again."
                if count
                else "There is no fit to undo: the shipped calibration decides."
            )
            return
        try:
            row = calibrating.create()
        except calibrating.NotFittable as error:
            raise CommandError(str(error)) from error
        done = calibrating.execute(row.pk, self._tell)
        row.refresh_from_db()
        if not done:
            raise CommandError(row.error or "Another worker has taken this fit.")
        self.stdout.write(fit_as_text(row.figures))

    def _tell(self, asked: int, total: int) -> None:
        if sys.stderr.isatty() or asked == total:
            self.stderr.write(f"{asked} of {total} questions")
