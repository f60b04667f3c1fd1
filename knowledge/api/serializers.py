"""The shapes of the knowledge calls, but for those of documents."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from knowledge.api.document_serializers import LARGEST_ID, TextField
from knowledge.indexing import rollbacks, runs
from knowledge.models import IndexBuild


class SearchFiltersSerializer(serializers.Serializer[Any]):
    """What a search keeps to. A filter that does not exist would silently widen it: refused."""

    document_type = serializers.CharField(required=False, allow_blank=True, max_length=50)
    source: Any = serializers.CharField(required=False, allow_blank=True, max_length=200)
    document_ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=LARGEST_ID),
        required=False,
        max_length=1000,
    )

    def to_internal_value(self, data: Any) -> Any:
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, dict) else []
        if unknown:
            raise serializers.ValidationError(
                {str(name)[:50]: "There is no such filter." for name in unknown[:10]}
            )
        return super().to_internal_value(data)


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
    review_by = serializers.DateField(
        allow_null=True, help_text="The day by which the document is to be reviewed."
    )
    is_overdue = serializers.BooleanField(help_text="That day has passed.")
    same_as = serializers.ListField(
        child=serializers.IntegerField(),
        help_text="Other documents that you may see and that say the same.",
    )
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
    # What the drift meter counted last night; null before the first night.
    drift = serializers.DictField(allow_null=True)


class GateSerializer(serializers.Serializer[Any]):
    """What the quality gate found: ``passed``, ``failed`` or ``skipped``, and why."""

    verdict = serializers.CharField()
    reason = serializers.CharField()


class BuildProgressSerializer(serializers.Serializer[Any]):
    """How far the step at hand of a build is; ``seconds_left`` is null until it can be said."""

    step = serializers.CharField()
    percent = serializers.IntegerField()
    seconds_left = serializers.IntegerField(allow_null=True)


class IndexBuildSerializer(serializers.ModelSerializer[IndexBuild]):
    """A release: ``full``, or an ``extension`` that adds what is new to the full build ``base``."""

    kind = serializers.SerializerMethodField()
    configuration = serializers.SerializerMethodField()
    gate = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()

    class Meta:
        model = IndexBuild
        fields = [
            "id",
            "state",
            "kind",
            "base",
            "recent",
            "configuration",
            "gate",
            "override_reason",
            "progress",
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

    def get_kind(self, build: IndexBuild) -> str:
        return "extension" if build.base_id or build.recent else "full"

    def get_configuration(self, build: IndexBuild) -> str:
        return build.configuration.name if build.configuration else ""

    @extend_schema_field(GateSerializer)
    def get_gate(self, build: IndexBuild) -> dict[str, str] | None:
        if not build.gate:
            return None
        return {name: str(build.gate.get(name, "")) for name in ("verdict", "reason")}

    @extend_schema_field(BuildProgressSerializer)
    def get_progress(self, build: IndexBuild) -> dict[str, Any] | None:
        percent = runs.percent_of(build)
        if percent is None:
            return None
        left = runs.seconds_left(build)
        return {"step": build.progress["step"], "percent": percent, "seconds_left": left}


class ActivatedSerializer(IndexBuildSerializer):
    """A release that answers from now on, and what ends that."""

    notice = serializers.SerializerMethodField()

    class Meta(IndexBuildSerializer.Meta):
        fields = [*IndexBuildSerializer.Meta.fields, "notice"]

    def get_notice(self, build: IndexBuild) -> str:
        """After going back: what will make a newer build answer again. Else empty."""
        return rollbacks.sentence_of(build)


class ActivateSerializer(serializers.Serializer[Any]):
    """The reason is for a build that the quality gate refused, and for no other."""

    reason = TextField(required=False, allow_blank=True, max_length=500)


class RebuildSerializer(serializers.Serializer[Any]):
    """The revision that is wanted, and the one that the active build has."""

    wanted = serializers.IntegerField()
    built = serializers.IntegerField()
