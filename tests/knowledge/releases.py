"""What the tests of releases share: looks at builds and folders, and a gate that obeys."""

from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from knowledge import indexing
from knowledge.indexing import retention
from knowledge.models import Chunk, DocumentVersion, IndexBuild, IndexState
from knowledge.search import search
from knowledge.services import NewDocument, add_document

ON_DISK = ("active", "kept", "refused")
asked = []  # builds that the gate was asked about
verdict = {}  # what it answers


def judge(build):
    """A gate for ``INDEX_GATE``."""
    asked.append(build.pk)
    if "error" in verdict:
        raise RuntimeError(verdict["error"])
    return dict(verdict)


GATE = "tests.knowledge.releases.judge"


def active():
    return IndexBuild.objects.get(state="active")


def folders():
    root = Path(settings.INDEX_DIR)
    return sorted(p.name for p in root.iterdir() if p.is_dir()) if root.is_dir() else []


def on_disk():
    """The folders that the rows say are there."""
    return sorted(IndexBuild.objects.filter(state__in=ON_DISK).values_list("folder", flat=True))


def found(query, user=None):
    return [passage.title for passage in search(query, user=user).passages]


def embedded(text, title):
    """A new document whose version waits for a build."""
    document = add_document(NewDocument(title=title, content=text), owner=None)
    indexing.process_version(document.versions.get().pk)
    return document


def expire_leases():
    """The two minutes of every lease pass, and the pauses after failures."""
    past = timezone.now() - timedelta(seconds=5)
    IndexState.objects.exclude(lease_until=None).update(lease_until=past)
    IndexState.objects.exclude(full_lease_until=None).update(full_lease_until=past)
    IndexState.objects.update(due_at=past, full_due_at=past)
    waiting = DocumentVersion.objects.filter(state__in=("queued", "processing"))
    waiting.exclude(lease_until=None).update(lease_until=past)
    waiting.update(due_at=past)


def settle():
    """Workers do all that waits, after the leases of dead ones have ended."""
    for _ in range(10):
        expire_leases()
        for version_id in indexing.due_version_ids(1000):
            indexing.process_version(version_id)
        indexing.give_up_exhausted()
        indexing.build_index()
        retention.drop_old_builds()  # as the sweep does
        if not indexing.due_version_ids(1) and not indexing.is_build_due():
            return
    raise AssertionError("work is left that nobody can do")


def chunks_of(document):
    """The numbers of a document's chunks, as they stand in a build's files."""
    return [
        pk.bytes
        for pk in Chunk.objects.filter(version__document=document).values_list("pk", flat=True)
    ]


def holding(chunks):
    """Files below the index folder that have one of these chunks.

    Words cannot be looked for in this way: a lexical index takes them apart.
    """
    paths = [path for path in Path(settings.INDEX_DIR).rglob("*") if path.is_file()]
    return [p for p in paths if any(chunk in p.read_bytes() for chunk in chunks)]
