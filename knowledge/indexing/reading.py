"""A version's file read in its sandbox, and what was read put into its row."""

from time import monotonic

from knowledge import conf, storage
from knowledge.indexing import scratch
from knowledge.indexing.inspecting import inspect
from knowledge.indexing.leases import Heartbeat, Step, VersionLease
from knowledge.ingestion import sandbox
from knowledge.ingestion.types import Extracted, Progress, SourceFile, UnreadableFile
from knowledge.models import DocumentVersion

GONE = "The stored file is missing. Upload it again."
READ_AT = 40  # percent of the whole when a file is read


def extract(version: DocumentVersion, lease: VersionLease, heartbeat: Heartbeat) -> Extracted:
    """The text of a version's file, with progress in its row; raises IngestionError."""
    try:
        with (
            scratch.folder_of(lease) as folder,
            storage.local_path(version.file, folder) as path,
        ):
            return sandbox.extract(
                SourceFile(path, version.file_name, version.media_type),
                conf.extraction_limits(),
                on_progress=_Reporter(lease).report,
                should_stop=_Watch(lease, heartbeat).should_stop,
                folder=folder,
            )
    except FileNotFoundError as error:
        raise UnreadableFile(GONE) from error


def store_text(lease: VersionLease, extracted: Extracted) -> None:
    """Put what was read into the version's row; raises LeaseLost."""
    pages = extracted.page_count or None
    found = inspect(extracted)
    lease.write(
        step=Step.SPLITTING,
        percent=READ_AT,
        text=extracted.text,
        outline=[vars(heading) for heading in extracted.outline],
        pages=list(extracted.pages),
        page_count=pages,
        pages_done=pages,
        page_report=[vars(page) for page in extracted.page_report],
        is_complete=extracted.is_complete,
        # A twin's own sentences are among those that were copied.
        warnings=list(dict.fromkeys([*extracted.warnings, *found.sentences])),
        orders=found.orders,
        hides=list(extracted.hides),
    )


class _Watch:
    """Looks at the row once a second, however often it is asked."""

    def __init__(self, lease: VersionLease, heartbeat: Heartbeat) -> None:
        self._lease = lease
        self._heartbeat = heartbeat
        self._looked_at = monotonic()

    def should_stop(self) -> bool:
        if monotonic() - self._looked_at > 1.0:
            self._looked_at = monotonic()
            return not self._lease.is_ours()
        return self._heartbeat.lost.is_set()


class _Reporter:
    """Writes the progress of extraction to the row at most twice a second."""

    def __init__(self, lease: VersionLease) -> None:
        self._lease = lease
        self._written_at = 0.0

    def report(self, progress: Progress) -> None:
        if monotonic() - self._written_at > 0.5:
            self._written_at = monotonic()
            self._lease.write(
                percent=progress.percent * READ_AT // 100,
                page_count=progress.pages or None,
                pages_done=progress.pages_done if progress.pages else None,
            )
