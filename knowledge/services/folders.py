"""Folders that documents are kept equal to: begun, changed, stopped, cleared."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from core.errors import Conflict, Invalid, NotFound
from knowledge import index_store
from knowledge.models import Document, Receipt, WatchedFolder
from knowledge.services import deleting, fields, receipts
from knowledge.services.receipts import Erasure
from users.models import User

_ROWS = 500
# The ids of the groups that a folder was given: a group that is deleted takes its rows along, and
# what was for a few must not come in for everyone.
AUDIENCE = "groups"
LOST_GROUPS = (
    "A group that may read this folder was deleted. Choose its groups again, so that nothing comes "
    "in for everyone by mistake."
)


def watch_folder(
    path: str | Path,
    document_type: str = Document.Type.OTHER,
    groups: Iterable[str] = (),
    *,
    is_active: bool = True,
) -> WatchedFolder:
    """A folder to keep documents equal to; nothing is read yet.

    With ``is_active`` it is looked at again and again by itself.

    Raises:
        Invalid: it is not there, is Footnote's own, or lies in one that is watched already.
    """
    folder = _checked_path(Path(path))
    document_type = fields.checked_type(document_type)
    chosen = fields.checked_groups(groups)
    with transaction.atomic():
        made = WatchedFolder.objects.create(
            path=str(folder),
            document_type=document_type,
            is_active=is_active,
            result=_audience(chosen),
        )
        made.groups.set(chosen)
    return made


def change_folder(
    folder: WatchedFolder,
    *,
    document_type: str | None = None,
    groups: Iterable[str] | None = None,
    is_active: bool | None = None,
) -> WatchedFolder:
    """Change what holds for a folder. New groups hold for all its documents at once.

    Raises:
        Invalid: nothing was changed.
    """
    chosen = fields.checked_groups(groups) if groups is not None else None
    values: dict[str, Any] = {}
    if document_type is not None:
        values["document_type"] = fields.checked_type(document_type)
    if is_active is not None:
        values["is_active"] = is_active
    with transaction.atomic():
        if chosen is not None:
            index_store.audience_changed()  # first, for the order of locks
        row = WatchedFolder.objects.select_for_update().get(pk=folder.pk)
        if chosen is not None:
            values["result"] = {**row.result, **_audience(chosen)}
            row.groups.set(chosen)
            _give_groups(row, chosen)
        for name, value in values.items():
            setattr(folder, name, value)
        folder.save(update_fields=[*values, "updated_at"])
    return folder


def clear_folder(folder: WatchedFolder, by: User, reason: str = "") -> Receipt | None:
    """Erase all documents of a folder, and look at it no more, or all would come back.

    The files in the folder stay. None where it has no documents. Who asks is to be asked for a
    confirmation before; the journal of the admin names them. Killed after the first transaction,
    the sweep goes on with it.
    """
    with transaction.atomic():
        index_store.audience_changed()  # first, for the order of locks
        WatchedFolder.objects.filter(pk=folder.pk).update(is_active=False)
        ids = list(folder.documents.order_by("pk").values_list("pk", flat=True))
        receipt = deleting.withdraw(Receipt.Kind.DOCUMENT, ids, Erasure(by, reason))
        if receipt is None:
            return None
        documents = f"{len(ids):,} document{'s' if len(ids) != 1 else ''}"
        receipts.note_in_journal(receipt, by, f"Watched folder cleared: {documents}")
    deleting.erase_rest(receipt)
    receipt.refresh_from_db()
    return receipt


def groups_for_new(folder: WatchedFolder) -> list[Group]:
    """Within a transaction: the groups of a document that comes in from a folder now.

    Until the commit nobody changes the folder, so that none comes in with the groups of before.

    Raises:
        Conflict: a group that the folder was given is gone.
        NotFound: the folder itself is not watched any more.
    """
    row = WatchedFolder.objects.select_for_update().filter(pk=folder.pk).first()
    if row is None:
        raise NotFound
    if has_lost_groups(row):
        raise Conflict(LOST_GROUPS)
    return list(row.groups.all())


def save_result(folder: WatchedFolder, result: dict[str, Any]) -> None:
    """Note what a look at the folder came to; what the folder must remember of itself stays."""
    with transaction.atomic():
        row = WatchedFolder.objects.select_for_update().filter(pk=folder.pk).first()
        if row is None:  # it is not watched any more
            return
        row.result = {AUDIENCE: row.result.get(AUDIENCE, []), **result}
        row.synced_at = timezone.now()
        row.save(update_fields=["result", "synced_at", "updated_at"])
    folder.result, folder.synced_at = row.result, row.synced_at


def has_lost_groups(folder: WatchedFolder) -> bool:
    """Whether a group that the folder was given is gone."""
    there = set(folder.groups.values_list("pk", flat=True))
    return not there.issuperset(folder.result.get(AUDIENCE, ()))


def _audience(groups: Iterable[Group]) -> dict[str, list[int]]:
    return {AUDIENCE: sorted(group.pk for group in groups)}


def _give_groups(folder: WatchedFolder, groups: list[Group]) -> None:
    """Within a transaction: these groups and no others may read the folder's documents."""
    ids = list(folder.documents.order_by("pk").values_list("pk", flat=True))
    through = Document.groups.through
    for start in range(0, len(ids), _ROWS):
        part = ids[start : start + _ROWS]
        Document.objects.filter(pk__in=part).update(is_restricted=bool(groups))
        through.objects.filter(document__in=part).delete()
        through.objects.bulk_create(
            through(document_id=pk, group_id=group.pk) for pk in part for group in groups
        )


def _checked_path(path: Path) -> Path:
    folder = path.expanduser().resolve()
    if not folder.is_dir():
        raise _invalid(f"{folder} is not a folder.")
    if len(str(folder)) > fields.LONGEST * 2:
        raise _invalid("The path of the folder is too long.")
    if folder.is_relative_to(Path(settings.DATA_DIR).resolve()):
        raise _invalid("This is Footnote's own folder. Choose another one.")
    for other in WatchedFolder.objects.values_list("path", flat=True):
        if folder.is_relative_to(other) or Path(other).is_relative_to(folder):
            raise _invalid(f"{other} is watched already, and one of them lies in the other.")
    return folder


def _invalid(sentence: str) -> Invalid:
    return Invalid(fields={"path": [sentence]})
