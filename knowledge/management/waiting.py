"""Processing in the foreground, for commands that are told to wait."""

from knowledge import indexing
from knowledge.management.typed import Out
from knowledge.models import DocumentVersion, VersionState


def process(version_ids: list[int], out: Out, errors: Out) -> None:
    """Do what a worker would do with these versions, and say how far it is."""
    versions = DocumentVersion.objects.filter(pk__in=version_ids).select_related("document")
    titles = {version.pk: version.document.title for version in versions.defer("text")}
    for number, version_id in enumerate(version_ids, 1):
        out.write(f"[{number}/{len(version_ids)}] {titles.get(version_id, '')}")
        indexing.process_version(version_id)
    indexing.build_index()
    ready = versions.filter(state=VersionState.READY).count()
    for failed in versions.filter(state=VersionState.FAILED):
        errors.write(f"{failed.document.title}: {failed.error}")
    out.write(f"{ready} of {len(version_ids)} are searchable.")
