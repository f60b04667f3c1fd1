"""``manage.py build_index``: make what is new searchable now, in this process."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from knowledge import indexing
from knowledge.models import IndexBuild
from knowledge.services import request_rebuild


class Command(BaseCommand):
    help = "Build the index here and now, if anything is due. A worker does the same by itself."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--full", action="store_true", help="make a full build even if nothing is due"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["full"]:
            request_rebuild()
        published = indexing.build_index()
        active = IndexBuild.objects.filter(state=IndexBuild.State.ACTIVE).first()
        if indexing.is_build_due():
            failed = IndexBuild.objects.filter(state=IndexBuild.State.FAILED).first()
            reason = failed.error if failed else "Another process is building."
            raise CommandError(f"The index is not up to date. {reason}")
        if active is None:
            self.stdout.write("There is nothing to search yet.")
            return
        done = "is active now" if published else "was up to date"
        self.stdout.write(f"Build {active.pk} {done}: {active.vectors} passages.")
