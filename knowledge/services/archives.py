"""Archives: each member becomes a document of its own.

An archive is stored as a document whose one version waits, like any other. Taking it apart is that
version's processing: members are stored one at a time, and each one's document, the number of
members that were dealt with (``pages_done``) and the sentences about those that were refused are
one transaction under the version's lease. So a kill costs one member's bytes, which the sweep
clears, a repetition makes nothing twice, and no member is lost without a word. In the end the
archive's own document goes; it stays as failed, with its warnings, where members were refused.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from time import monotonic

from django.db import transaction
from django.utils import timezone

from core.errors import AppError, Unavailable
from core.hints import send_hint
from knowledge import conf, storage
from knowledge.indexing import scratch
from knowledge.indexing.leases import (
    MAX_ATTEMPTS,
    Heartbeat,
    LeaseLost,
    VersionLease,
    claim_version,
    database_now,
    is_claimable,
)
from knowledge.ingestion import archive
from knowledge.ingestion.archive import Member
from knowledge.ingestion.types import IngestionError, LimitExceeded
from knowledge.models import Document, DocumentVersion, VersionState
from knowledge.services import fields
from knowledge.services.documents import NewDocument, add_document
from knowledge.services.uploads import (
    ARCHIVE,
    Content,
    NewFile,
    discard,
    discard_unless,
    remove_unused,
    store_file,
    title_of,
)
from knowledge.services.versions import queue_version
from users.models import User

logger = logging.getLogger(__name__)

GONE = "The stored file is missing. Upload it again."
_MOST_SENTENCES = 200  # about refused members; the rest is counted
_PAUSE = timedelta(minutes=1)
_MOST_NAMES, _NAME_MAX = 5, 60  # of refused members, and of one's characters, in one sentence
# What a member gets that says of itself what another one is found to be.
_CODES = {archive.MEMBER_BOMB: "too_large", archive.NESTED: "unsupported_type"}
_REFUSED = "refused"


@dataclass(frozen=True)
class Taken:
    """What became of a member: a document, or the code and the sentence of its refusal."""

    name: str
    document_id: int | None = None
    code: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Budget:
    """How much of an archive is taken apart in one go; a worker takes the rest."""

    members: int
    seconds: float


@dataclass(frozen=True)
class Unpacked:
    """What was done of an archive. ``is_done`` is False where a worker goes on with it."""

    members: tuple[Taken, ...]
    is_done: bool
    error: str = ""  # why the archive itself could not be read to its end, in words
    is_too_large: bool = False


def due_archive_ids(limit: int) -> list[int]:
    """Archives that wait for a worker, those that wait longest first."""
    due = DocumentVersion.objects.filter(
        is_claimable(), attempts__lt=MAX_ATTEMPTS, media_type=ARCHIVE
    )
    return list(due.order_by("due_at", "pk").values_list("pk", flat=True)[:limit])


def add_archive(new: NewDocument, owner: User | None, budget: Budget) -> tuple[Document, Unpacked]:
    """Store an archive and take apart what the budget allows; a worker does the rest.

    Returns:
        The archive's own document, which is gone if it was taken apart as a whole, and what became
        of its members so far.

    Raises:
        Invalid, UnsupportedType, TooLarge, Unavailable: nothing was kept.
    """
    document = add_document(new, owner, tell_worker=False)
    unpacked = unpack(document.versions.get().pk, budget)
    return document, unpacked or Unpacked((), is_done=False)


def unpack(version_id: int, budget: Budget | None = None) -> Unpacked | None:
    """Take an archive apart, from where it was left; None where it is not due or another has it.

    Safe to call twice, at the same time, and to be killed.
    """
    if storage.lacks_space():
        logger.warning("archive %s waits: %s", version_id, storage.NO_SPACE)
        return None
    lease = claim_version(version_id)
    if lease is None:
        return None
    try:
        return _unpack(lease, budget)
    except LeaseLost:
        logger.info("archive %s was taken over or cancelled", version_id)
        return None


def _unpack(lease: VersionLease, budget: Budget | None) -> Unpacked:
    version = DocumentVersion.objects.select_related("document").get(pk=lease.version_id)
    taking = _Taking(version, lease, budget)
    try:
        with (
            Heartbeat(lease.renew) as heartbeat,
            scratch.folder_of(lease) as folder,
            storage.local_path(version.file, folder) as path,
        ):
            return taking.run(archive.members(path, conf.extraction_limits()), heartbeat)
    except FileNotFoundError:
        return taking.fail(GONE)
    except IngestionError as error:  # of the archive as a whole
        return taking.fail(error.sentence, is_too_large=isinstance(error, LimitExceeded))
    except Unavailable:  # the disk became full
        return taking.hand_back(_PAUSE)


def forget_archive(document: Document) -> None:
    """Delete the document that stands for an archive, once all was said about its members."""
    files = list(document.versions.values_list("file", flat=True))
    with transaction.atomic():
        Document.objects.filter(pk=document.pk).delete()
        transaction.on_commit(lambda: remove_unused(files), robust=True)


class _Taking:
    """One archive being taken apart under its lease."""

    def __init__(
        self, version: DocumentVersion, lease: VersionLease, budget: Budget | None
    ) -> None:
        self._version = version
        self._lease = lease
        self._budget = budget
        self._began = monotonic()
        self._done = version.pages_done or 0
        self._sentences = list(version.warnings)
        self._refused = int(dict(version.outline).get(_REFUSED, 0))
        self._taken: list[Taken] = []

    def run(self, members: Iterator[Member], heartbeat: Heartbeat) -> Unpacked:
        for member in islice(members, self._done, None):
            if self._is_spent():
                return self.hand_back()
            heartbeat.check()
            self._taken.append(self._take(member))
        return self._finish()

    def fail(self, sentence: str, *, is_too_large: bool = False) -> Unpacked:
        """The archive cannot be read, or not to its end; what was taken of it stays."""
        self._lease.close(
            state=VersionState.FAILED, error=sentence[:500], finished_at=timezone.now()
        )
        return Unpacked(tuple(self._taken), is_done=True, error=sentence, is_too_large=is_too_large)

    def hand_back(self, pause: timedelta = timedelta(0)) -> Unpacked:
        """Let a worker go on with the next member."""
        self._lease.close(
            state=VersionState.QUEUED,
            step=DocumentVersion.Step.WAITING,
            attempts=0,
            due_at=database_now(pause),
        )
        send_hint("knowledge.schedule.unpack", self._version.pk)
        return Unpacked(tuple(self._taken), is_done=False)

    def _is_spent(self) -> bool:
        if self._budget is None:
            return False
        is_late = monotonic() - self._began > self._budget.seconds
        return is_late or len(self._taken) >= self._budget.members

    def _take(self, member: Member) -> Taken:
        try:
            if member.refusal:
                code = _CODES.get(member.refusal, "invalid")
                return self._refuse(member, code, member.refusal)
            content = store_file(NewFile(member.stream, member.name))
        except Unavailable:
            raise
        except AppError as error:
            return self._refuse(member, error.code, _sentence(error))
        except IngestionError as error:  # the member lies about itself
            is_large = isinstance(error, LimitExceeded)
            return self._refuse(member, "too_large" if is_large else "invalid", error.sentence)
        try:
            return self._add(member, content)
        except BaseException:
            discard(content)
            raise

    def _add(self, member: Member, content: Content) -> Taken:
        if content.media_type == ARCHIVE:
            discard(content)
            nested = "An archive in an archive is not taken. Add it by itself."
            return self._refuse(member, "unsupported_type", nested)
        with transaction.atomic():
            archived = self._archived()
            self._note_member()
            document = _document_of(member, archived, self._version.file_name)
            document.groups.set(archived.groups.all())
            version = queue_version(document, content)
        discard_unless(content, version.file)
        return Taken(member.name, document.pk)

    def _archived(self) -> Document:
        """The archive's own document as it is now: its audience may have changed meanwhile."""
        rows = Document.objects.select_for_update().filter(pk=self._version.document_id)
        archived = rows.first()
        if archived is None:
            raise LeaseLost(f"archive {self._version.pk}")
        return archived

    def _refuse(self, member: Member, code: str, sentence: str) -> Taken:
        self._refused += 1
        if len(self._sentences) < _MOST_SENTENCES:
            self._sentences.append(f"{fields.clean_line(member.name)}: {sentence}")
        self._note_member(
            warnings=self._sentences, outline={_REFUSED: self._refused}, is_complete=False
        )
        return Taken(member.name, code=code, detail=sentence)

    def _note_member(self, **values: object) -> None:
        """Progress under the lease. A member that came through clears the count of attempts."""
        self._done += 1
        self._lease.write(pages_done=self._done, attempts=1, **values)

    def _finish(self) -> Unpacked:
        if not self._refused:
            self._lease.write()  # raises LeaseLost where it was cancelled meanwhile
            forget_archive(self._version.document)
            return Unpacked(tuple(self._taken), is_done=True)
        files = f"{self._done:,} file{'s' if self._done != 1 else ''}"
        self.fail(
            f"{self._refused:,} of {files} in this archive were not taken: {self._refused_names()}."
        )
        return Unpacked(tuple(self._taken), is_done=True)

    def _refused_names(self) -> str:
        """The first of them by the end of their paths; the warnings have a sentence about each."""
        found = [sentence.partition(": ")[0] for sentence in self._sentences[:_MOST_NAMES]]
        names = [name if len(name) <= _NAME_MAX else f"…{name[-_NAME_MAX:]}" for name in found]
        more = self._refused - len(names)
        return ", ".join(names) + (f" and {more:,} more" if more else "")


def _document_of(member: Member, archived: Document, archive_name: str) -> Document:
    """A document for a member: what was said of the archive holds for it."""
    place = fields.clean_line(f"{archive_name}/{member.name}")
    return Document.objects.create(
        title=title_of(member.name),
        source=archived.source or place[: fields.LONGEST],
        document_type=archived.document_type,
        owner=archived.owner,
        is_active=archived.is_active,
        is_restricted=archived.is_restricted,
        effective_from=archived.effective_from,
        review_by=archived.review_by,
        expires_on=archived.expires_on,
        superseded_by_id=archived.superseded_by_id,
    )


def _sentence(error: AppError) -> str:
    return next((s for texts in error.fields.values() for s in texts), error.detail)
