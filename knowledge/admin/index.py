"""Index builds in the admin: what serves, what is kept, build again, go back."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from core.errors import AppError
from knowledge import catalogue
from knowledge.admin.badges import Badge
from knowledge.admin.staff import ReadOnly
from knowledge.models import IndexBuild
from knowledge.services import activate_build, request_rebuild

_BADGES = {
    IndexBuild.State.BUILDING: Badge("Being built"),
    IndexBuild.State.ACTIVE: Badge("Serving", "is-good", "check"),
    IndexBuild.State.KEPT: Badge("Kept"),
    IndexBuild.State.FAILED: Badge("Failed", "is-wrong", "wrong"),
    IndexBuild.State.REMOVED: Badge("Removed", icon="trash"),
}


@admin.register(IndexBuild)
class IndexBuildAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]  # unfold has no types
    list_display = (
        "number",
        "status",
        "vectors",
        "documents",
        "size",
        "model",
        "built_at",
        "error",
    )
    list_filter = ("state",)
    list_before_template = "knowledge/admin/_summary.html"
    actions = ("activate",)
    actions_list = ("rebuild",)
    show_full_result_count = False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {**(extra_context or {}), "stats": catalogue.stats()}
        response: HttpResponse = super().changelist_view(request, context)
        return response

    @display(description="No.", ordering="pk")  # type: ignore[untyped-decorator]
    def number(self, build: IndexBuild) -> int:
        return build.pk

    @display(description="State", ordering="state")  # type: ignore[untyped-decorator]
    def status(self, build: IndexBuild) -> SafeString:
        badge = _BADGES[IndexBuild.State(build.state)]
        return render_to_string("knowledge/admin/_badge.html", {"badge": badge})

    @display(description="Size", ordering="bytes")  # type: ignore[untyped-decorator]
    def size(self, build: IndexBuild) -> str:
        return filesizeformat(build.bytes) if build.bytes else ""

    @admin.action(description="Go back to this build")
    def activate(self, request: HttpRequest, queryset: QuerySet[IndexBuild]) -> None:
        builds = list(queryset[:2])
        if len(builds) != 1:
            messages.error(request, "Choose one build.")
            return
        try:
            activate_build(builds[0])
        except AppError as error:
            messages.error(request, error.detail)
        else:
            messages.success(request, f"Readers search build {builds[0].pk} from now on.")

    @action(  # type: ignore[untyped-decorator]
        description="Build again",
        url_path="rebuild",
        icon="refresh",
        dialog={
            "title": "Build the index again",
            "description": "Readers go on with the build of now until the new one is complete.",
            "form_class": None,
            "form_submit_text": "Build again",
        },
    )
    def rebuild(self, request: HttpRequest, form: Any) -> HttpResponse:
        request_rebuild()
        messages.success(request, "A new build is on its way.")
        url = reverse("admin:knowledge_indexbuild_changelist")
        if request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Redirect": url})
        return HttpResponseRedirect(url)
