"""``manage.py empty_knowledge_base``: every document out, with a receipt."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.errors import AppError
from knowledge.management.people import person_in_charge
from knowledge.management.typed import require_word
from knowledge.models import Document
from knowledge.services import empty_knowledge_base
from knowledge.services.deleting import erase_rest
from knowledge.services.emptying import CONFIRMATION


class Command(BaseCommand):
    help = "Erase every document: from answers at once, then from index, files and old builds."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--yes-delete-everything", action="store_true", help="do not ask before"
        )
        parser.add_argument(
            "--by", metavar="EMAIL", help="whom the journal names; the only superuser by default"
        )
        parser.add_argument("--reason", default="", help="in words, for the receipt")

    def handle(self, *args: Any, **options: Any) -> None:
        count = Document.objects.count()
        by = person_in_charge(options["by"])
        if not options["yes_delete_everything"]:
            what = f"{count:,} documents will be erased. This cannot be undone."
            require_word(self.stdout, what, CONFIRMATION)
        try:
            receipt = empty_knowledge_base(by, CONFIRMATION, options["reason"])
        except AppError as error:
            raise CommandError(error.detail) from error
        erase_rest(receipt)
        self.stdout.write(f"{count:,} documents were erased. Receipt {receipt.pk}.")
