"""Documents made equal to a folder: added, updated, moved and removed, one at a time.

One process at a time looks at a folder, by a turn that it renews before each document. Each step
is a transaction of its own, and the folder and the rows are the plan: killed in between, the next
look does the rest. Nothing is removed where the folder could not be read as a whole, nor, without
a word of command, when most of its documents would go.
"""

import hashlib
import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from core.errors import AppError, Conflict, NotFound, Unavailable
from core.periods import Turn, take_turn
from knowledge import storage
from knowledge.indexing.leases import Heartbeat
from knowledge.models import Document, DocumentVersion, WatchedFolder
from knowledge.services import folders, scanning
from knowledge.services.deleting import delete_documents
from knowledge.services.documents import NewDocument, add_document
from knowledge.services.headings import HEAD_BYTES, first_heading
from knowledge.services.looks import Manner, Report
from knowledge.services.moving import move_document, source_of
from knowledge.services.receipts import Erasure
from knowledge.services.scanning import Changing, FolderUnreadable, Found, Scan
from knowledge.services.uploads import Content, NewFile, check_file, discard, store_file
from knowledge.services.versions import add_version

logger = logging.getLogger(__name__)

# A file that was written within this time may still be written.
SETTLES_SECONDS = 2.0
MOST_REMOVED = 20  # more than this, and more than half, is taken for a mistake
BUSY = "Another process is looking at this folder. Try again when it is done."
GONE = "The file is no longer in the watched folder."


class Overtaken(Exception):
    """Another process has the turn now."""


@dataclass(frozen=True)
class _Known:
    """A document of the folder, as its newest version has it."""

    document_id: int
    sha256: str


def sync_folder(folder: WatchedFolder, manner: Manner | None = None) -> Report:
    """Make a folder's documents equal to its files.

    A file is known by its path, and changed when its checksum is another one. A new path with the
    content of one that is gone is a file that was moved: its document stays, with its number.

    Raises:
        Conflict: another process is at it, or nothing may be taken; a sentence says why.
    """
    manner = manner or Manner()
    turn = take_turn(f"knowledge.sync.{folder.pk}")
    if turn is None:
        raise Conflict(BUSY)
    report = Report()
    look = _Look(folder, manner, turn, report)
    try:
        with Heartbeat(turn.renew):
            look.run()
    except (FolderUnreadable, Unavailable) as error:
        report.error = str(error)
    except Overtaken:
        raise Conflict(BUSY) from None
    finally:
        turn.end({"added": report.added, "updated": report.updated, "removed": report.removed})
    if not manner.is_dry:
        look.save()
    return report


def due_folder_ids() -> list[int]:
    """Folders whose time it is to be looked at again."""
    before = timezone.now() - timedelta(minutes=settings.SYNC_MINUTES)
    active = WatchedFolder.objects.filter(is_active=True)
    due = active.filter(synced_at=None) | active.filter(synced_at__lte=before)
    return list(due.order_by("synced_at", "pk").values_list("pk", flat=True))


class _Look:
    """One look at one folder."""

    def __init__(self, folder: WatchedFolder, manner: Manner, turn: Turn, report: Report) -> None:
        self._folder = folder
        self._root = Path(folder.path)
        self._manner = manner
        self._turn = turn
        self._report = report
        self._known: dict[str, _Known] = {}
        self._device: int | None = folder.result.get("device")

    def run(self) -> None:
        seen = self._look()
        self._known = _known_of(self._folder)
        digests = self._digests(seen)
        missing = {path: one for path, one in self._known.items() if not seen.has(path)}
        if seen.unreadable:
            missing = {}  # what was not seen may still be there
        self._take(seen, digests, missing)
        self._remove(seen, missing)
        self._device = seen.device

    def save(self) -> None:
        """Note what was done."""
        folders.save_result(self._folder, {**self._report.as_dict(), "device": self._device})

    def _look(self) -> Scan:
        if folders.has_lost_groups(self._folder):
            raise FolderUnreadable(folders.LOST_GROUPS)
        seen = scanning.scan(self._root, [Path(settings.DATA_DIR).resolve()])
        self._report.failed = {**seen.problems, **seen.unreadable}
        self._report.left_out = seen.left_out
        if seen.unreadable:
            self._report.error = "A part of the folder could not be read, so nothing was removed."
        return seen

    def _digests(self, seen: Scan) -> dict[str, str]:
        """SHA-256 by path of the files that are settled; the others are counted."""
        self._let_settle(seen)
        digests: dict[str, str] = {}
        for found in sorted(seen.files.values(), key=lambda one: one.path):
            try:
                with scanning.opened(self._root, found) as stream:
                    digest = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
            except Changing:
                self._report.waiting += 1
            except OSError as error:
                self._report.failed[found.path] = f"The file cannot be read: {error.strerror}."
            else:
                digests[found.path] = digest
        return digests

    def _let_settle(self, seen: Scan) -> None:
        """Wait until the youngest file is two seconds old; those that change meanwhile show it."""
        now = time.time()
        ages = [now - one.modified_at for one in seen.files.values()]
        young = [age for age in ages if 0 <= age < SETTLES_SECONDS]
        if young:
            self._manner.sleep(SETTLES_SECONDS - min(young))

    def _take(self, seen: Scan, digests: dict[str, str], missing: dict[str, _Known]) -> None:
        gone = _by_content(missing)
        for path, digest in digests.items():
            known = self._known.get(path)
            if known is not None and known.sha256 == digest:
                self._report.unchanged += 1
                continue
            self._require_turn()
            was_at = gone.get(digest) if known is None else None
            try:
                if was_at:
                    old_path = was_at.pop()
                    self._move(missing.pop(old_path), old_path, path)
                else:
                    self._store(seen.files[path], digest, known)
            except Changing:
                self._report.waiting += 1
            except Unavailable:
                raise
            except AppError as error:
                sentences = [s for texts in error.fields.values() for s in texts]
                self._report.failed[path] = " ".join(sentences) or error.detail
            except OSError as error:
                self._report.failed[path] = f"The file cannot be read: {error.strerror}."

    def _move(self, known: _Known, old_path: str, path: str) -> None:
        self._report.moved += 1
        if not self._manner.is_dry:
            move_document(known.document_id, self._folder, old_path, path)

    def _store(self, found: Found, digest: str, known: _Known | None) -> None:
        if self._manner.is_dry:
            self._try(found)
        else:
            self._bring(found, digest, known)
        if known is None:
            self._report.added += 1
        else:
            self._report.updated += 1

    def _try(self, found: Found) -> None:
        """Raise what `_bring` would raise for this file."""
        if storage.lacks_space():
            raise Unavailable(storage.NO_SPACE)
        with scanning.opened(self._root, found) as stream:
            check_file(NewFile(stream, found.path))

    def _bring(self, found: Found, digest: str, known: _Known | None) -> None:
        """Store a file and queue it, as a new document or as a version of one."""
        with scanning.opened(self._root, found) as stream:
            head = stream.read(HEAD_BYTES)
            stream.seek(0)
            content = store_file(NewFile(stream, found.path))
        if content.sha256 != digest:
            discard(content)
            raise Changing
        file = NewFile(BytesIO(), found.path, stored=content)
        if known is None:
            self._add(found.path, first_heading(found.path, head), file, content)
            return
        document = Document.objects.filter(pk=known.document_id).first()
        if document is None:  # deleted by a manager a moment ago
            discard(content)
            raise NotFound
        self._report.versions.append(add_version(document, file).pk)

    def _add(self, path: str, title: str, file: NewFile, content: Content) -> None:
        new = NewDocument(
            title=title,
            file=file,
            source=source_of(self._folder, path),
            document_type=self._folder.document_type,
            watched=(self._folder, path),
        )
        try:
            document = add_document(new, owner=None)
        except IntegrityError:  # who had the turn before has just added it
            discard(content)
            raise Overtaken from None
        self._report.versions.append(document.versions.get().pk)

    def _remove(self, seen: Scan, missing: dict[str, _Known]) -> None:
        if not missing:
            return
        why = self._objection(seen, len(missing))
        if why and not self._manner.may_remove_many:
            self._report.error = why
            return
        self._report.removed = len(missing)
        if not self._manner.is_dry:
            self._require_turn()
            ids = [one.document_id for one in missing.values()]
            delete_documents(ids, Erasure(None, f"{GONE} {self._folder.path}"))

    def _objection(self, seen: Scan, count: int) -> str:
        """Why so many documents are not removed without being told to; empty where they are."""
        if not seen.files and self._device not in (None, seen.device):
            return (
                "The folder is empty and lies on another disk than before, so none of its "
                f"{count:,} documents were removed. Is its disk there?"
            )
        if count > MOST_REMOVED and count * 2 > len(self._known):
            return (
                f"{count:,} of {len(self._known):,} documents would be removed, more than half, so "
                "none was. If that is right, run sync_folder with --force."
            )
        return ""

    def _require_turn(self) -> None:
        if not self._turn.renew():
            raise Overtaken


def _by_content(missing: dict[str, _Known]) -> dict[str, list[str]]:
    """The paths of what is gone by checksum, the first one last."""
    found: dict[str, list[str]] = {}
    for path in sorted(missing, reverse=True):
        found.setdefault(missing[path].sha256, []).append(path)
    return found


def _known_of(folder: WatchedFolder) -> dict[str, _Known]:
    """The folder's documents by path; of each the newest version, whatever became of it."""
    newest = DocumentVersion.objects.filter(document=OuterRef("pk")).order_by("-number")
    rows = (
        Document.objects.filter(watched_folder=folder)
        .annotate(newest_sha256=Subquery(newest.values("sha256")[:1]))
        .values_list("watched_path", "pk", "newest_sha256")
    )
    return {path: _Known(pk, sha256 or "") for path, pk, sha256 in rows.iterator()}
