"""The form of a document: files or a pasted text, checked before anything is stored."""

from collections.abc import Callable
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextareaWidget

from core.errors import AppError
from knowledge.admin.uploads import new_file
from knowledge.ingestion.sniffing import SUPPORTED
from knowledge.models import Document
from knowledge.services import DocumentChanges, NewDocument, NewFile, Term
from knowledge.services.dates import check_order, checked_successor
from knowledge.services.fields import checked_source, checked_title
from knowledge.services.uploads import check_file, check_text, is_archive

ONE_CONTENT = "Choose files or paste a text, not both."
NO_CONTENT = "Choose a file or paste a text."
NO_TITLE = "A pasted text needs a title."
ONE_FILE = "A new version is one file."
NO_ARCHIVE = "An archive cannot be the content of one document. Add it as new documents."


class ManyFilesWidget(UnfoldAdminFileFieldWidget):  # type: ignore[misc]  # unfold has no types
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """Any number of files; ``clean`` gives a list."""

    def clean(self, data: Any, initial: Any = None) -> Any:
        files = data if isinstance(data, list | tuple) else [data] if data else []
        return [super(ManyFilesField, self).clean(file, initial) for file in files]


class DocumentForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Adds one or several documents, or changes one. Saving is the services' work."""

    uploads = ManyFilesField(
        required=False,
        label="Files",
        widget=ManyFilesWidget(
            attrs={"accept": ",".join(f".{extension}" for extension in SUPPORTED)}
        ),
        help_text="PDF, Word, PowerPoint, Excel, CSV, HTML, Markdown or text, or a ZIP of such "
        "files. Several files become several documents; of a document that is there, one file "
        "becomes the next version.",
    )
    content = forms.CharField(
        required=False,
        label="Or paste a text",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
        help_text="Markdown keeps its headings and tables.",
    )

    class Meta:
        model = Document
        fields = (
            "title",
            "source",
            "document_type",
            "groups",
            "is_active",
            "effective_from",
            "review_by",
            "expires_on",
            "superseded_by",
        )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "title" in self.fields:
            self.fields["title"].required = self.is_change
            if not self.is_change:
                self.fields["title"].help_text = "Empty: the name of the file."

    @property
    def is_change(self) -> bool:
        return self.instance.pk is not None

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        files, content = cleaned.get("uploads") or [], (cleaned.get("content") or "").strip()
        self._require_one_content(files, content)
        self._check("source", checked_source, cleaned.get("source") or "")
        if (cleaned.get("title") or "").strip():
            self._check("title", checked_title, cleaned["title"])
        elif content:
            self.add_error("title", NO_TITLE)
        for file in files:
            self._check("uploads", check_file, new_file(file))
        if content:
            self._check("content", check_text, content)
        self._check_days(cleaned)
        return cleaned

    def _check_days(self, cleaned: dict[str, Any]) -> None:
        """Dates in order, and no document in a circle of successors."""
        self._obey(lambda: check_order(_term(cleaned)))
        if "superseded_by" in self.fields:
            self._obey(lambda: checked_successor(self.instance.pk, _successor(cleaned)))

    def _obey(self, check: Callable[[], object]) -> None:
        try:
            check()
        except AppError as error:
            for field, sentences in error.fields.items():
                self.add_error(field if field in self.fields else None, list(sentences))

    def _require_one_content(self, files: list[Any], content: str) -> None:
        if files and content:
            self.add_error("content", ONE_CONTENT)
        if self.is_change:
            if len(files) > 1:
                self.add_error("uploads", ONE_FILE)
            elif any(_is_archive(file) for file in files):
                self.add_error("uploads", NO_ARCHIVE)
        elif not files and not content and "uploads" not in self.errors:
            self.add_error("uploads", NO_CONTENT)

    def _check(self, field: str, check: Any, value: Any) -> None:
        """A sentence beside the field instead of an error page."""
        try:
            check(value)
        except AppError as error:
            prefix = f"{value.name}: " if isinstance(value, NewFile) else ""
            sentences = [s for texts in error.fields.values() for s in texts] or [error.detail]
            self.add_error(field, prefix + " ".join(sentences))

    def changes(self) -> DocumentChanges:
        """The new values of a document that is there.

        Groups that were not touched are not set: to save a document whose last group was deleted
        must not open it to everyone.
        """
        cleaned = self.cleaned_data
        groups = tuple(group.name for group in cleaned["groups"])
        return DocumentChanges(
            title=cleaned["title"],
            source=cleaned["source"],
            document_type=cleaned["document_type"],
            groups=groups if "groups" in self.changed_data else None,
            is_active=cleaned["is_active"],
            term=_term(cleaned),
            superseded_by=_successor(cleaned),
        )

    def new_content(self) -> NewFile | str | None:
        """The file or text of a new version, if there is one."""
        files = self.cleaned_data["uploads"]
        return new_file(files[0]) if files else self.cleaned_data["content"] or None

    def new_documents(self) -> list[NewDocument]:
        """A document for each file, or one of the text. A title is one document's alone."""
        cleaned = self.cleaned_data
        shared: dict[str, Any] = {
            "source": cleaned["source"],
            "document_type": cleaned["document_type"],
            "groups": tuple(group.name for group in cleaned["groups"]),
            "is_active": cleaned["is_active"],
            "term": _term(cleaned),
            "superseded_by": _successor(cleaned),
        }
        files = [new_file(file) for file in cleaned["uploads"]]
        title = cleaned["title"] if len(files) < 2 else ""
        if not files:
            return [NewDocument(title=title, content=cleaned["content"], **shared)]
        return [NewDocument(title=title, file=file, **shared) for file in files]


def _is_archive(file: Any) -> bool:
    try:
        return is_archive(new_file(file))
    except AppError:
        return False  # another sentence says what is wrong with it
    finally:
        file.seek(0)


def _term(cleaned: dict[str, Any]) -> Term:
    return Term(
        effective_from=cleaned.get("effective_from"),
        review_by=cleaned.get("review_by"),
        expires_on=cleaned.get("expires_on"),
    )


def _successor(cleaned: dict[str, Any]) -> int | None:
    successor = cleaned.get("superseded_by")
    return successor.pk if successor is not None else None
