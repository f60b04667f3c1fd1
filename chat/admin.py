"""Conversations for staff: when, how long, how rated. What was said stays with who said it."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from chat import staff
from chat.marks import marked, marks_of
from chat.models import ChatSession, Feedback, Message

__all__ = ["ChatSessionAdmin", "FeedbackAdmin", "MessageAdmin", "staff"]


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]
    """Rows that the services write; the admin shows them."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MarkFilter(admin.SimpleListFilter):
    """Messages that were marked; the numbers beside the choices are the counts."""

    title = "marks"
    parameter_name = "mark"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("orders", "Gives orders"),
            ("moderated", "Objected to by moderation"),
            ("unmoderated", "Not moderated"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = marked(self.value() or "")
        return queryset if chosen is None else queryset.filter(chosen)


@admin.register(ChatSession)
class ChatSessionAdmin(ReadOnlyAdmin):
    """Titles are made from questions, so they are not shown either."""

    list_display = ("id", "user", "model", "is_active", "created_at", "last_activity")
    list_filter = ("is_active", "last_activity")
    list_select_related = ("user",)
    search_fields = ("=id",)
    fields = (
        "id",
        "user",
        "answers",
        "model",
        "is_active",
        "created_at",
        "last_activity",
        "deleted_at",
    )
    date_hierarchy = "last_activity"

    @admin.display(description="Answers")
    def answers(self, session: ChatSession) -> SafeString:
        """The way to the list of its answers, and from there to their traces."""
        address = reverse("admin:chat_message_changelist")
        return format_html(
            '<a href="{}?session__id__exact={}">The answers of this conversation</a>',
            address,
            session.pk,
        )


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    """How answers came to be; their text is for nobody but the asker."""

    list_display = (
        "id",
        "state",
        "outcome",
        "model",
        "confidence",
        "processing_time",
        "tokens_used",
        "marks",
        "created_at",
        "trace_link",
    )
    show_facets = admin.ShowFacets.ALWAYS
    list_filter = (MarkFilter, "state", "outcome", "model", "confidence", "created_at")
    search_fields = ("=id",)
    fields = (
        "id",
        "trace_link",
        "role",
        "state",
        "outcome",
        "model",
        "prompt_version",
        "confidence",
        "notice",
        "degraded",
        "safety",
        "searched",
        "tokens_used",
        "processing_time",
        "created_at",
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(role=Message.Role.ASSISTANT)

    def get_urls(self) -> list[URLPattern]:
        return [*staff.traces.urls(), *super().get_urls()]

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        """The answers of one conversation may be listed."""
        return lookup == "session__id__exact" or bool(
            super().lookup_allowed(lookup, value, request)
        )

    @admin.display(description="Trace")
    def trace_link(self, message: Message) -> SafeString:
        """The way to the page of how the answer came to be."""
        address = reverse("admin:chat_message_trace", args=[message.pk])
        return format_html('<a href="{}">How it came to be</a>', address)

    @admin.display(description="Marks")
    def marks(self, message: Message) -> str:
        """What was found in question and answer, in words; never what was said."""
        return ", ".join(marks_of(message.safety)) or "-"


@admin.register(Feedback)
class FeedbackAdmin(ReadOnlyAdmin):
    """Thumbs, with the words that readers wrote for staff."""

    list_display = ("message_id", "rating", "comment", "created_at")
    list_filter = ("rating", "created_at")
    search_fields = ("comment",)
    fields = ("message_id", "rating", "comment", "created_at")
