"""The shapes of documents, their versions and their passages."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from knowledge.catalogue import seconds_left, shown_state
from knowledge.models import Chunk, Document, DocumentVersion, VersionState
from knowledge.services.fields import without_controls

SHOWN_STATES = [state for state in VersionState.values if state != VersionState.EMBEDDED]
LARGEST_ID = 2**63 - 1


class ProgressSerializer(serializers.Serializer[Any]):
    """How far the newest upload is."""

    step = serializers.ChoiceField(choices=DocumentVersion.Step.choices)
    percent = serializers.IntegerField(min_value=0, max_value=100)
    pages = serializers.IntegerField(
        allow_null=True, help_text="How many the file has, once that is known."
    )
    pages_done = serializers.IntegerField(
        allow_null=True, help_text="Pages that were read; of an archive, files that were taken out."
    )
    eta = serializers.IntegerField(
        allow_null=True, help_text="Seconds that are left, from the pace so far; null when unknown."
    )


class DocumentSerializer(serializers.ModelSerializer[Document]):
    """A document of ``catalogue.documents()``; version and status are the newest upload's."""

    status = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    version = serializers.SerializerMethodField()
    active_version = serializers.IntegerField(
        source="active_number", allow_null=True, read_only=True
    )
    chunk_count = serializers.SerializerMethodField()
    groups: Any = serializers.SlugRelatedField(slug_field="name", many=True, read_only=True)
    progress = serializers.SerializerMethodField()
    warnings = serializers.SerializerMethodField()
    is_complete = serializers.SerializerMethodField()
    same_as = serializers.IntegerField(allow_null=True, read_only=True)
    owner = serializers.IntegerField(source="owner_id", allow_null=True, read_only=True)
    superseded_by = serializers.IntegerField(
        source="superseded_by_id", allow_null=True, read_only=True
    )

    class Meta:
        model = Document
        fields = [
            "id",
            "title",
            "source",
            "document_type",
            "is_active",
            "status",
            "error",
            "version",
            "active_version",
            "chunk_count",
            "uploaded_at",
            "groups",
            "progress",
            "warnings",
            "is_complete",
            "same_as",
            "owner",
            "effective_from",
            "review_by",
            "expires_on",
            "superseded_by",
        ]

    def _newest(self, document: Document) -> DocumentVersion:
        newest: DocumentVersion = document.newest_versions[0]  # type: ignore[attr-defined]
        return newest

    @extend_schema_field(serializers.ChoiceField(choices=SHOWN_STATES))
    def get_status(self, document: Document) -> str:
        return shown_state(self._newest(document).state)

    def get_error(self, document: Document) -> str:
        return self._newest(document).error

    def get_version(self, document: Document) -> int:
        return self._newest(document).number

    def get_chunk_count(self, document: Document) -> int:
        """Passages that answer now; before the first build, those of the newest upload."""
        active: int | None = document.active_chunks  # type: ignore[attr-defined]
        return self._newest(document).chunk_count if active is None else active

    @extend_schema_field(ProgressSerializer)
    def get_progress(self, document: Document) -> dict[str, str | int | None]:
        newest = self._newest(document)
        return {
            "step": newest.step,
            "percent": newest.percent,
            "pages": newest.page_count,
            "pages_done": newest.pages_done,
            "eta": seconds_left(newest),
        }

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_warnings(self, document: Document) -> list[str]:
        return list(self._newest(document).warnings)

    def get_is_complete(self, document: Document) -> bool:
        """False where parts of the newest upload gave no text; a warning says which."""
        return self._newest(document).is_complete


class TextField(serializers.CharField):
    """Text without control characters: they are removed, not refused."""

    def to_internal_value(self, data: Any) -> str:
        return without_controls(super().to_internal_value(data))


class DocumentWriteSerializer(serializers.Serializer[Any]):
    """What a new document takes: a text, or one ``file``, or several ``files``."""

    title = TextField(required=False, allow_blank=True, trim_whitespace=False)
    content = TextField(required=False, trim_whitespace=False)
    source: Any = TextField(required=False, allow_blank=True, trim_whitespace=False)
    document_type = TextField(required=False)
    groups = serializers.ListField(child=serializers.CharField(), required=False)
    is_active = serializers.BooleanField(required=False)
    effective_from = serializers.DateField(
        required=False, allow_null=True, help_text="It answers from this day on."
    )
    review_by = serializers.DateField(
        required=False, allow_null=True, help_text="After this day its footnotes say so."
    )
    expires_on = serializers.DateField(
        required=False, allow_null=True, help_text="The last day on which it answers."
    )
    superseded_by = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=LARGEST_ID,
        help_text="The document that answers in its place.",
    )


class DocumentUploadSerializer(DocumentWriteSerializer):
    """The same as a multipart form, for the schema."""

    file = serializers.FileField(required=False)
    files = serializers.ListField(child=serializers.FileField(), required=False)


class UploadResultSerializer(serializers.Serializer[Any]):
    """What became of one of several files."""

    name = serializers.CharField()
    document = DocumentSerializer(required=False)
    code = serializers.CharField(required=False)
    detail = serializers.CharField(required=False)


class VersionSerializer(serializers.ModelSerializer[DocumentVersion]):
    status = serializers.SerializerMethodField()
    uploaded_at = serializers.DateTimeField(source="created_at", read_only=True)

    class Meta:
        model = DocumentVersion
        fields = [
            "number",
            "file_name",
            "media_type",
            "size",
            "sha256",
            "status",
            "step",
            "percent",
            "error",
            "warnings",
            "is_complete",
            "page_count",
            "pages_done",
            "chunk_count",
            "uploaded_at",
            "finished_at",
        ]

    @extend_schema_field(serializers.ChoiceField(choices=SHOWN_STATES))
    def get_status(self, version: DocumentVersion) -> str:
        return shown_state(version.state)


class ChunkSerializer(serializers.ModelSerializer[Chunk]):
    version = serializers.IntegerField(source="version.number", read_only=True)

    class Meta:
        model = Chunk
        fields = [
            "id", "version", "ordinal", "heading", "page", "start", "end", "tokens", "text",
        ]  # fmt: skip
