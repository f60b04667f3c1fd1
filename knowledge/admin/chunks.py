"""Passages in the admin: to look at, from a document's page."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

from core.staff import ReadOnly
from knowledge.models import Chunk


@admin.register(Chunk)
class ChunkAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]  # unfold has no types
    list_display = ("number", "document", "heading", "page", "tokens", "excerpt")
    search_fields = ("text", "heading")
    show_full_result_count = False
    list_per_page = 50
    ordering = ("version", "ordinal")
    fields = ("document", "ordinal", "heading", "page", "start", "end", "tokens", "text")
    readonly_fields = ("document",)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Not in the menu: a passage is reached from its document."""
        return False

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        return lookup == "version__id__exact"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Chunk]:
        return (
            Chunk.objects.select_related("version__document")
            .defer("version__text", "version__outline", "version__pages")
            .order_by("version", "ordinal")
        )

    @display(description="No.", ordering="ordinal")  # type: ignore[untyped-decorator]
    def number(self, chunk: Chunk) -> int:
        return chunk.ordinal + 1

    @display(description="Document")  # type: ignore[untyped-decorator]
    def document(self, chunk: Chunk) -> str:
        return f"{chunk.version.document.title}, version {chunk.version.number}"

    @display(description="Text")  # type: ignore[untyped-decorator]
    def excerpt(self, chunk: Chunk) -> str:
        return chunk.text[:160]
