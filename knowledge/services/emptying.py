"""Everything out: the typed word, the note in the journal, the receipt, and then the work."""

from django.db import transaction

from core.errors import Conflict, Invalid
from knowledge import index_store
from knowledge.models import Document, Receipt, WatchedFolder
from knowledge.services import deleting, receipts
from knowledge.services.receipts import Erasure
from users.models import User

CONFIRMATION = "delete everything"
_NOT_CONFIRMED = f"Type “{CONFIRMATION}” to confirm."
_NOTHING = "There is no document to delete."
_FOLDERS_STOPPED = "They are not looked at again by themselves, or all would come back."


def empty_knowledge_base(by: User, confirmation: str, reason: str = "") -> Receipt:
    """Take every document out of answers now, and have a worker erase them one by one.

    Documents that are added afterwards stay. Watched folders are switched off. Killed at any
    moment, the sweep goes on with it; the receipt is complete when nothing is left on disk.

    Args:
        by: who wants it; the journal of the admin notes it.
        confirmation: what they typed; it must be the sentence ``CONFIRMATION``.
        reason: in words, for the receipt.

    Raises:
        Invalid: the confirmation is another one.
        Conflict: there is nothing to delete.
    """
    check_confirmation(confirmation)
    with transaction.atomic():
        index_store.audience_changed()  # first, for the order of locks
        ids = list(Document.objects.order_by("pk").values_list("pk", flat=True))
        receipt = deleting.withdraw(Receipt.Kind.EVERYTHING, ids, Erasure(by, reason))
        if receipt is None:
            raise Conflict(_NOTHING)
        stopped = WatchedFolder.objects.filter(is_active=True).update(is_active=False)
        if stopped:
            receipts.note(receipt, {receipts.FOLDERS: stopped}, _FOLDERS_STOPPED)
        documents = f"{len(ids):,} document{'s' if len(ids) != 1 else ''}"
        receipts.note_in_journal(receipt, by, f"Knowledge base emptied: {documents}")
    return receipt


def check_confirmation(typed: str) -> None:
    """Raise Invalid unless the words were typed, in whatever case."""
    if " ".join(typed.split()).casefold() != CONFIRMATION:
        raise Invalid(fields={"confirmation": [_NOT_CONFIRMED]})
