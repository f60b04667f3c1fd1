"""Named configurations: staff give them a better name, the settings give them their values."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from core.staff import ForStaff
from knowledge import index_store
from knowledge.models import IndexConfiguration


@admin.register(IndexConfiguration)
class IndexConfigurationAdmin(ForStaff, ModelAdmin):  # type: ignore[misc]  # unfold has no types
    list_display = ("name", "chunk_tokens", "chunk_overlap_tokens", "top_k", "embedding_model")
    fields = ("name", "embedding_model", "chunk_tokens", "chunk_overlap_tokens", "top_k")
    readonly_fields = ("embedding_model", "chunk_tokens", "chunk_overlap_tokens", "top_k")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: IndexConfiguration, form: Any, change: Any
    ) -> None:
        """The name alone; what is loaded shows it with the next search."""
        IndexConfiguration.objects.filter(pk=obj.pk).update(name=obj.name)
        index_store.forget()
