"""The shapes of the knowledge calls."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from knowledge.catalogue import seconds_left, shown_state
from knowledge.models import Chunk, Document, DocumentVersion, IndexBuild, VersionState
from knowledge.services.fields import without_controls

SHOWN_STATES = [state for state in VersionState.values if state != VersionState.EMBEDDED]
_LARGEST_ID = 2**63 - 1


class ProgressSerializer(serializers.Serializer[Any]):
    """How far the newest upload is."""

    step = serializers.ChoiceField(choices=DocumentVersion.Step.choices)
    percent = serializers.IntegerField(min_value=0, max_value=100)
    pages = serializers.IntegerField(allow_null=True, help_text="Once the file was read.")
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
    same_as = serializers.IntegerField(allow_null=True, read_only=True)

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
            "same_as",
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
            "eta": seconds_left(newest),
        }

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_warnings(self, document: Document) -> list[str]:
        return list(self._newest(document).warnings)


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


class SearchFiltersSerializer(serializers.Serializer[Any]):
    document_type = serializers.CharField(required=False, allow_blank=True, max_length=50)
    source: Any = serializers.CharField(required=False, allow_blank=True, max_length=200)
    document_ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=_LARGEST_ID),
        required=False,
        max_length=1000,
    )


class SearchRequestSerializer(serializers.Serializer[Any]):
    query = TextField(trim_whitespace=False)
    top_k = serializers.IntegerField(required=False, min_value=1, max_value=50)
    document_type = serializers.CharField(required=False, allow_blank=True, max_length=50)
    filters = SearchFiltersSerializer(required=False)

    def validate_query(self, query: str) -> str:
        query = query.strip()
        if not query:
            raise serializers.ValidationError("Ask something.")
        if len(query) > settings.MESSAGE_MAX_CHARS:
            raise serializers.ValidationError(f"At most {settings.MESSAGE_MAX_CHARS} characters.")
        return query


class ScoresSerializer(serializers.Serializer[Any]):
    dense = serializers.FloatField(allow_null=True)
    lexical = serializers.FloatField(allow_null=True)
    fused = serializers.FloatField(allow_null=True)
    rerank = serializers.FloatField(allow_null=True)


class PassageSerializer(serializers.Serializer[Any]):
    """A source, with what each stage thought of it."""

    number = serializers.IntegerField(help_text="The rank, from 1.")
    document_id = serializers.IntegerField()
    document_version = serializers.IntegerField()
    title = serializers.CharField()
    heading = serializers.CharField(allow_blank=True)
    page = serializers.IntegerField(allow_null=True)
    content = serializers.CharField(allow_null=True)
    gone = serializers.ChoiceField(choices=["removed", "restricted"], allow_null=True)
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    score = serializers.FloatField(min_value=0, max_value=1)
    url = serializers.CharField()
    scores = ScoresSerializer()


class SearchResponseSerializer(serializers.Serializer[Any]):
    results = PassageSerializer(many=True)
    took_ms = serializers.FloatField()
    degraded = serializers.ListField(child=serializers.CharField())


class IndexFactsSerializer(serializers.Serializer[Any]):
    build = serializers.IntegerField(allow_null=True)
    vectors = serializers.IntegerField()
    model = serializers.CharField(allow_blank=True)
    built_at = serializers.DateTimeField(allow_null=True)
    bytes = serializers.IntegerField()


class StatsSerializer(serializers.Serializer[Any]):
    documents = serializers.IntegerField()
    chunks = serializers.IntegerField()
    pending = serializers.IntegerField()
    failed = serializers.IntegerField()
    index = IndexFactsSerializer()


class IndexBuildSerializer(serializers.ModelSerializer[IndexBuild]):
    class Meta:
        model = IndexBuild
        fields = [
            "id",
            "state",
            "model",
            "dimension",
            "vectors",
            "documents",
            "bytes",
            "error",
            "created_at",
            "built_at",
            "activated_at",
        ]


class RebuildSerializer(serializers.Serializer[Any]):
    """The revision that is wanted, and the one that the active build has."""

    wanted = serializers.IntegerField()
    built = serializers.IntegerField()
