"""Watched folders: what the last look brought. A folder is added by ``sync_folder --watch``."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from core.staff import ForStaff
from knowledge.models import WatchedFolder
from knowledge.services.folders import change_folder


@admin.register(WatchedFolder)
class WatchedFolderAdmin(ForStaff, ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """A path is a door into the server's disk: it is opened on the server, never here."""

    list_display = ("path", "is_active", "synced_at", "brought")
    list_before_template = "knowledge/admin/_folders.html"
    fields = ("path", "is_active", "document_type", "synced_at", "brought")
    readonly_fields = ("path", "document_type", "synced_at", "brought")
    actions = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: WatchedFolder, form: Any, change: Any) -> None:
        """By the service: a look that is under way keeps what it writes."""
        change_folder(WatchedFolder.objects.get(pk=obj.pk), is_active=obj.is_active)

    @display(description="Last look")  # type: ignore[untyped-decorator]
    def brought(self, folder: WatchedFolder) -> SafeString:
        return render_to_string(
            "knowledge/admin/_looked.html", {"folder": folder, "result": folder.result}
        )
