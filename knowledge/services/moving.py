"""A watched file under another path: its document moves along."""

from django.db import transaction

from knowledge import index_store
from knowledge.models import Document, WatchedFolder
from knowledge.services import fields
from knowledge.services.uploads import title_of

_CUT = "…"


def source_of(folder: WatchedFolder, path: str) -> str:
    """Where a document comes from, in words: the folder's name and the path, cut at its front."""
    name = folder.path.rstrip("/").rpartition("/")[2]
    whole = fields.clean_line(f"{name}/{path}")
    if len(whole) <= fields.LONGEST:
        return whole
    return _CUT + whole[-(fields.LONGEST - len(_CUT)) :]


def move_document(document_id: int, folder: WatchedFolder, old_path: str, path: str) -> None:
    """Give a document its new path. A title that was the file's name follows it; others stay."""
    with transaction.atomic():
        document = Document.objects.filter(pk=document_id).first()
        if document is None:
            return
        values = {"watched_path": path}
        if document.source == source_of(folder, old_path):
            values["source"] = source_of(folder, path)
        if document.title == title_of(old_path) != title_of(path):
            values["title"] = title_of(path)
            index_store.want_build(documents=[document_id])
        index_store.audience_changed()  # a search may be narrowed by source
        for name, value in values.items():
            setattr(document, name, value)
        document.save(update_fields=[*values, "updated_at"])
