"""``manage.py load_docs FOLDER``: the files of a folder as documents, as often as one likes."""

import hashlib
import re
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.errors import AppError
from knowledge import indexing
from knowledge.ingestion.sniffing import SUPPORTED
from knowledge.models import Document, DocumentVersion, VersionState
from knowledge.services import NewDocument, NewFile, add_document, add_version

_HEADING = re.compile(r"^#\s+(.{1,200})$", re.MULTILINE)
_HEADING_WITHIN = 4096  # bytes of a file in which its first heading is looked for


class Command(BaseCommand):
    help = (
        "Load the Markdown, text, HTML, PDF and DOCX files of a folder as documents. A file that "
        "was loaded before and has changed becomes a new version; nothing is removed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--type", default=Document.Type.MANUAL, choices=Document.Type.values)
        parser.add_argument(
            "--wait", action="store_true", help="process and index the files before returning"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder.")
        paths = sorted(p for p in folder.rglob("*") if p.is_file() and _is_taken(p))
        queued = []
        for path in paths:
            source = f"{folder.resolve().name}/{path.relative_to(folder).as_posix()}"
            version = self._load(path, source, options["type"])
            if version is not None:
                queued.append(version.pk)
        self.stdout.write(f"{len(queued)} of {len(paths)} files are new or have changed.")
        if options["wait"]:
            self._process(queued)

    def _load(self, path: Path, source: str, document_type: str) -> DocumentVersion | None:
        """The version to process; None where the file is known as it is, or not taken."""
        document = Document.objects.filter(source=source).order_by("pk").first()
        if document is not None and _is_known(document, path):
            return None
        try:
            with path.open("rb") as stream:
                file = NewFile(stream, path.name)
                if document is not None:
                    return add_version(document, file)
                new = NewDocument(
                    title=_title(path), file=file, source=source, document_type=document_type
                )
                return add_document(new, owner=None).versions.get()
        except AppError as error:
            sentences = [s for texts in error.fields.values() for s in texts] or [error.detail]
            self.stderr.write(f"{path}: {' '.join(sentences)}")
            return None

    def _process(self, version_ids: list[int]) -> None:
        for number, version_id in enumerate(version_ids, 1):
            title = Document.objects.values_list("title", flat=True).get(versions=version_id)
            self.stdout.write(f"[{number}/{len(version_ids)}] {title}")
            self.stdout.flush()
            indexing.process_version(version_id)
        indexing.build_index()
        done = DocumentVersion.objects.filter(pk__in=version_ids)
        ready = done.filter(state=VersionState.READY).count()
        for failed in done.filter(state=VersionState.FAILED).select_related("document"):
            self.stderr.write(f"{failed.document.title}: {failed.error}")
        self.stdout.write(f"{ready} of {len(version_ids)} are searchable.")


def _is_taken(path: Path) -> bool:
    is_hidden = any(part.startswith(".") for part in path.parts if part not in {".", ".."})
    return not is_hidden and path.suffix.lower().removeprefix(".") in SUPPORTED


def _is_known(document: Document, path: Path) -> bool:
    """Whether the newest version has this content, whatever became of it."""
    newest = document.versions.order_by("-number").values_list("sha256", flat=True).first()
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == newest


def _title(path: Path) -> str:
    """The first heading of a Markdown file; else empty, and the file's name is taken."""
    if path.suffix.lower() not in {".md", ".markdown"}:
        return ""
    with path.open("rb") as stream:
        found = _HEADING.search(stream.read(_HEADING_WITHIN).decode("utf-8", "replace"))
    return found.group(1).strip(" #") if found else ""
