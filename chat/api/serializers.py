"""The shapes of the chat's API: what comes in is read here, what goes out is described."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from chat.models import Message
from chat.services import (
    COMMENT_CHARS,
    MOST_PASSAGES,
    TITLE_CHARS,
    Question,
    clean_text,
)
from knowledge.passages import Filters

_STATES = Message.State.choices
_OUTCOMES = Message.Outcome.choices
_SUPPORT = [(name, name) for name in ("supported", "partly", "unsupported", "unknown")]
_CONFIDENCE = [(name, name) for name in ("high", "medium", "low")]
_GONE = [(name, name) for name in ("removed", "restricted")]


class TextField(serializers.CharField):
    """Words as the services take them: trimmed, without control characters."""

    def to_internal_value(self, data: Any) -> str:
        return clean_text(super().to_internal_value(data))


class FiltersSerializer(serializers.Serializer[Any]):
    document_type = serializers.CharField(required=False, allow_blank=True, max_length=50)
    source = serializers.CharField(  # type: ignore[assignment]
        required=False, allow_blank=True, max_length=200
    )
    document_ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        max_length=1000,
    )


class AskSerializer(serializers.Serializer[Any]):
    """A question and where it belongs."""

    message = TextField(
        help_text=f"1 to {settings.MESSAGE_MAX_CHARS} characters after trimming.",
        error_messages={"blank": "Write a question first."},
    )
    chat_session_id = serializers.UUIDField(required=False, allow_null=True)
    model = serializers.CharField(required=False, allow_blank=True, max_length=100)
    top_k = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=MOST_PASSAGES
    )
    include_sources = serializers.BooleanField(required=False, default=True)
    filters = FiltersSerializer(required=False)

    def question(self, address: str) -> Question:
        """The validated question; ``address`` is the key of the caller's address."""
        given = self.validated_data
        chosen = given.get("filters", {})
        return Question(
            text=given["message"],
            session_id=given.get("chat_session_id"),
            model=given.get("model", ""),
            top_k=given.get("top_k"),
            include_sources=given["include_sources"],
            filters=Filters(
                document_type=chosen.get("document_type", ""),
                source=chosen.get("source", ""),
                document_ids=tuple(chosen.get("document_ids", ())),
            ),
            address=address,
        )


class RegenerateSerializer(serializers.Serializer[Any]):
    model = serializers.CharField(required=False, allow_blank=True, max_length=100, default="")


class EditSerializer(AskSerializer):
    """A question in other words; it stays in its conversation."""

    chat_session_id = None  # type: ignore[assignment]


class BegunSerializer(serializers.Serializer[Any]):
    session_id = serializers.UUIDField()
    message_id = serializers.UUIDField(help_text="Of the answer; join its stream to read it.")
    state = serializers.ChoiceField(choices=_STATES)


class TitleSerializer(serializers.Serializer[Any]):
    title = TextField(max_length=TITLE_CHARS)


class NewSessionSerializer(serializers.Serializer[Any]):
    title = TextField(max_length=TITLE_CHARS, required=False, allow_blank=True, default="")


class RatingSerializer(serializers.Serializer[Any]):
    rating = serializers.ChoiceField(choices=[(1, "helped"), (-1, "did not help")])
    comment = TextField(required=False, allow_blank=True, max_length=COMMENT_CHARS, default="")


class FeedbackSerializer(serializers.Serializer[Any]):
    rating = serializers.IntegerField()
    comment = serializers.CharField()


class SourceSerializer(serializers.Serializer[Any]):
    """A footnote: ``content`` is the version's text from ``start`` to ``end``, in code points."""

    number = serializers.IntegerField(allow_null=True, help_text="Null for a candidate.")
    document_id = serializers.IntegerField()
    document_version = serializers.IntegerField()
    title = serializers.CharField()
    heading = serializers.CharField()
    page = serializers.IntegerField(allow_null=True)
    content = serializers.CharField(allow_null=True)
    gone = serializers.ChoiceField(choices=_GONE, allow_null=True)
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    score = serializers.FloatField(min_value=0, max_value=1)
    url = serializers.CharField()
    review_by = serializers.DateField(
        allow_null=True, help_text="The day by which the document is to be reviewed."
    )
    is_overdue = serializers.BooleanField(help_text="That day has passed.")


class NearestSerializer(serializers.Serializer[Any]):
    document_id = serializers.IntegerField()
    title = serializers.CharField()
    url = serializers.CharField()
    why = serializers.CharField()


class SentenceSerializer(serializers.Serializer[Any]):
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    numbers = serializers.ListField(child=serializers.IntegerField())
    support = serializers.ChoiceField(choices=_SUPPORT)
    why = serializers.CharField(help_text="What speaks against it; empty where nothing does.")


class NoticeSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


class AnswerFieldsSerializer(serializers.Serializer[Any]):
    """What an answer has beside its ids."""

    message = serializers.CharField(help_text="Markdown with [n] marks.")
    searched_for = serializers.ListField(
        child=serializers.CharField(),
        help_text="What was searched, where that is not the message as it stands.",
    )
    state = serializers.ChoiceField(choices=_STATES)
    outcome = serializers.ChoiceField(choices=_OUTCOMES, allow_null=True)
    sources = SourceSerializer(many=True, help_text="Only what is cited.")
    nearest = NearestSerializer(
        many=True, help_text="Where nothing was found, or as examples of what can be asked."
    )
    sentences = SentenceSerializer(many=True)
    grounded = serializers.BooleanField()
    unsupported = SentenceSerializer(many=True)
    confidence = serializers.ChoiceField(choices=_CONFIDENCE)
    model = serializers.CharField()
    notice = NoticeSerializer(allow_null=True)
    degraded = serializers.ListField(child=serializers.CharField())
    cached = serializers.BooleanField(
        help_text="The answer to an equal question of somebody with the same documents."
    )
    tokens_used = serializers.IntegerField()
    processing_time = serializers.IntegerField(help_text="Milliseconds.")


class AnswerSerializer(AnswerFieldsSerializer):
    session_id = serializers.UUIDField()
    message_id = serializers.UUIDField()


class MessageSerializer(serializers.Serializer[Any]):
    """A question, or an answer with its fields."""

    message_id = serializers.UUIDField()
    role = serializers.ChoiceField(choices=Message.Role.choices)
    message = serializers.CharField()
    created_at = serializers.DateTimeField()
    feedback = FeedbackSerializer(allow_null=True)
    versions = serializers.ListField(
        child=serializers.UUIDField(), help_text="Of this message, in their order; itself included."
    )
    session_id = serializers.UUIDField(required=False)
    searched_for = serializers.ListField(child=serializers.CharField(), required=False)
    state = serializers.ChoiceField(choices=_STATES, required=False)
    outcome = serializers.ChoiceField(choices=_OUTCOMES, allow_null=True, required=False)
    sources = SourceSerializer(many=True, required=False)
    nearest = NearestSerializer(many=True, required=False)
    sentences = SentenceSerializer(many=True, required=False)
    grounded = serializers.BooleanField(required=False)
    unsupported = SentenceSerializer(many=True, required=False)
    confidence = serializers.ChoiceField(choices=_CONFIDENCE, required=False)
    model = serializers.CharField(required=False)
    notice = NoticeSerializer(allow_null=True, required=False)
    degraded = serializers.ListField(child=serializers.CharField(), required=False)
    cached = serializers.BooleanField(required=False)
    tokens_used = serializers.IntegerField(required=False)
    processing_time = serializers.IntegerField(required=False)


class SessionSerializer(serializers.Serializer[Any]):
    session_id = serializers.UUIDField()
    title = serializers.CharField()
    is_active = serializers.BooleanField()
    model = serializers.CharField()
    message_count = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    last_activity = serializers.DateTimeField()
    kept_until = serializers.DateTimeField()


class OpenedSessionSerializer(SessionSerializer):
    messages = MessageSerializer(many=True)


class StoppingSerializer(serializers.Serializer[Any]):
    message_id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=_STATES)


class ModelSerializer(serializers.Serializer[Any]):
    model = serializers.CharField()
    is_default = serializers.BooleanField()


class PageSerializer(serializers.Serializer[Any]):
    """A page of a list."""

    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class SessionPageSerializer(PageSerializer):
    results = SessionSerializer(many=True)


class MessagePageSerializer(PageSerializer):
    results = MessageSerializer(many=True)


class ModelPageSerializer(PageSerializer):
    results = ModelSerializer(many=True)
