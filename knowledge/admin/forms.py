"""The form of a document: files or a pasted text, checked before anything is stored."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextareaWidget

from core.errors import AppError
from knowledge.admin.uploads import new_file
from knowledge.ingestion.sniffing import SUPPORTED
from knowledge.models import Document
from knowledge.services import DocumentChanges, NewDocument, NewFile
from knowledge.services.fields import checked_source, checked_title
from knowledge.services.uploads import check_file, check_text

ONE_CONTENT = "Choose files or paste a text, not both."
NO_CONTENT = "Choose a file or paste a text."
NO_TITLE = "A pasted text needs a title."
ONE_FILE = "A new version is one file."


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
        help_text="PDF, Word (DOCX), HTML, Markdown or text. Several files become several "
        "documents; of a document that is there, one file becomes the next version.",
    )
    content = forms.CharField(
        required=False,
        label="Or paste a text",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
        help_text="Markdown keeps its headings and tables.",
    )

    class Meta:
        model = Document
        fields = ("title", "source", "document_type", "groups", "is_active")

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
        return cleaned

    def _require_one_content(self, files: list[Any], content: str) -> None:
        if files and content:
            self.add_error("content", ONE_CONTENT)
        if self.is_change:
            if len(files) > 1:
                self.add_error("uploads", ONE_FILE)
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
        }
        files = [new_file(file) for file in cleaned["uploads"]]
        title = cleaned["title"] if len(files) < 2 else ""
        if not files:
            return [NewDocument(title=title, content=cleaned["content"], **shared)]
        return [NewDocument(title=title, file=file, **shared) for file in files]
