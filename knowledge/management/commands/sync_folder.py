"""``manage.py sync_folder PATH``: documents equal to a folder, now and, if wanted, from now on."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.errors import AppError
from knowledge.management.people import person_in_charge
from knowledge.management.typed import require_word
from knowledge.management.waiting import process
from knowledge.models import Document, WatchedFolder
from knowledge.services.folders import change_folder, clear_folder, watch_folder
from knowledge.services.looks import Manner, Report
from knowledge.services.syncing import sync_folder


class Command(BaseCommand):
    help = (
        "Make documents equal to the files of a folder: new files are added, changed ones become "
        "versions, moved ones keep their documents, and documents whose file is gone are erased. "
        "Nothing is removed where the folder cannot be read as a whole."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path)
        parser.add_argument("--type", choices=Document.Type.values, help="of its documents")
        parser.add_argument(
            "--group",
            action="append",
            metavar="NAME",
            help="only this group may read its documents; can be repeated",
        )
        parser.add_argument(
            "--watch", action="store_true", help="look at it again every SYNC_MINUTES from now on"
        )
        parser.add_argument("--unwatch", action="store_true", help="do not look at it by itself")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done")
        parser.add_argument(
            "--force", action="store_true", help="remove documents even where it is most of them"
        )
        parser.add_argument(
            "--wait", action="store_true", help="process and index the files before returning"
        )
        parser.add_argument(
            "--clear", action="store_true", help="erase all documents of this folder"
        )
        parser.add_argument(
            "--yes-delete-everything", action="store_true", help="do not ask before --clear"
        )
        parser.add_argument(
            "--by",
            metavar="EMAIL",
            help="whom the journal names for --clear; the only superuser by default",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path = options["path"].expanduser().resolve()
        folder = WatchedFolder.objects.filter(path=str(path)).first()
        try:
            if options["clear"]:
                self._clear(folder, path, options)
            else:
                self._sync(folder, path, options)
        except AppError as error:
            sentences = [s for texts in error.fields.values() for s in texts]
            raise CommandError(" ".join(sentences) or error.detail) from error

    def _sync(self, folder: WatchedFolder | None, path: Path, options: dict[str, Any]) -> None:
        is_new = folder is None
        folder = _prepared(folder, path, options)
        manner = Manner(is_dry=options["dry_run"], may_remove_many=options["force"])
        try:
            report = sync_folder(folder, manner)
        finally:
            if is_new and options["dry_run"]:
                folder.delete()
        self._say(report, is_dry=options["dry_run"])
        if options["wait"] and report.versions:
            if report.error:  # also where one of the files fails
                self.stderr.write(report.error)
            process(report.versions, self.stdout, self.stderr)
        if report.error:
            raise CommandError(report.error)

    def _say(self, report: Report, *, is_dry: bool) -> None:
        for name, why in sorted(report.failed.items()):
            self.stderr.write(f"{name}: {why}")
        names = ("added", "updated", "moved", "removed", "unchanged", "waiting", "left_out")
        counts = [f"{getattr(report, name)} {name.replace('_', ' ')}" for name in names]
        intro = "Would be: " if is_dry else ""
        self.stdout.write(f"{intro}{', '.join(counts)}, {len(report.failed)} not taken.")

    def _clear(self, folder: WatchedFolder | None, path: Path, options: dict[str, Any]) -> None:
        if folder is None:
            raise CommandError(f"{path} is not a watched folder.")
        by = person_in_charge(options["by"])
        count = folder.documents.count()
        if not options["yes_delete_everything"]:
            what = f"{count:,} documents of {path} will be erased. This cannot be undone."
            require_word(self.stdout, what, path.name)
        receipt = clear_folder(folder, by, "Watched folder cleared.")
        if receipt is None:
            self.stdout.write("There was no document to erase.")
            return
        self.stdout.write(f"{count:,} documents were erased. Receipt {receipt.pk}.")


def _prepared(folder: WatchedFolder | None, path: Path, options: dict[str, Any]) -> WatchedFolder:
    """The folder's row as the options want it; a dry run changes none that is there."""
    is_dry: bool = options["dry_run"]
    if folder is None:
        return watch_folder(
            path,
            options["type"] or Document.Type.OTHER,
            options["group"] or (),
            is_active=options["watch"] and not is_dry,
        )
    if is_dry:
        return folder
    is_active = options["watch"] if options["watch"] or options["unwatch"] else None
    return change_folder(
        folder, document_type=options["type"], groups=options["group"], is_active=is_active
    )
