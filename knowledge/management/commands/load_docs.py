"""``manage.py load_docs FOLDER``: the files of a folder as documents, as often as one likes."""

import hashlib
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.errors import AppError
from knowledge.ingestion.sniffing import SUPPORTED
from knowledge.management.waiting import process
from knowledge.models import Document, DocumentVersion
from knowledge.services import NewDocument, NewFile, add_document, add_version
from knowledge.services.headings import HEAD_BYTES, first_heading
from knowledge.services.uploads import ARCHIVE


class Command(BaseCommand):
    help = (
        "Load the files of a folder as documents, of every type that is taken. A file that "
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
            process(queued, self.stdout, self.stderr)

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


def _is_taken(path: Path) -> bool:
    is_hidden = any(part.startswith(".") for part in path.parts if part not in {".", ".."})
    media_type = SUPPORTED.get(path.suffix.lower().removeprefix("."))
    return not is_hidden and media_type is not None and media_type != ARCHIVE


def _is_known(document: Document, path: Path) -> bool:
    """Whether the newest version has this content, whatever became of it."""
    newest = document.versions.order_by("-number").values_list("sha256", flat=True).first()
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == newest


def _title(path: Path) -> str:
    """The first heading of a Markdown file; else empty, and the file's name is taken."""
    with path.open("rb") as stream:
        return first_heading(path.name, stream.read(HEAD_BYTES))
