"""Index releases in the admin: what serves, what is kept or was refused, whether it is right."""

from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from core.errors import AppError
from core.staff import ReadOnly
from knowledge import catalogue
from knowledge.admin import badges, playground
from knowledge.admin.answers import sent_to
from knowledge.admin.badges import Badge
from knowledge.admin.noticing import lost_in_gate, notices_of_all
from knowledge.indexing import drift, rollbacks, runs
from knowledge.models import IndexBuild
from knowledge.retrieval.types import IndexUnusable
from knowledge.services import activate_build, override_gate, request_rebuild

_LIST = "admin:knowledge_indexbuild_changelist"
_STEPS = {
    "splitting": "Cutting texts anew",
    "embedding": "Embedding",
    "writing": "Writing",
    "judging": "Asking the golden questions",
}
_BADGES = {
    IndexBuild.State.BUILDING: Badge("Being built"),
    IndexBuild.State.ACTIVE: Badge("Serving", "is-good", "check"),
    IndexBuild.State.KEPT: Badge("Kept"),
    IndexBuild.State.REFUSED: Badge("Refused by the gate", "is-care", "care"),
    IndexBuild.State.FAILED: Badge("Failed", "is-wrong", "wrong"),
    IndexBuild.State.REMOVED: Badge("Removed", icon="trash"),
}
_GATES = {
    "passed": Badge("Passed", "is-good", "check"),
    "failed": Badge("Worse", "is-wrong", "wrong"),
    "skipped": Badge("Not judged", icon="info"),
}
_UNREADABLE = "The index that serves cannot be read here, so it was not compared."


class ReasonForm(BaseDialogForm):  # type: ignore[misc]  # unfold has no types
    """Why a refused build is let in."""

    reason = forms.CharField(label="Why", max_length=500, widget=UnfoldAdminTextInputWidget())


@admin.register(IndexBuild)
class IndexBuildAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]  # unfold has no types
    list_display = (
        "number",
        "status",
        "kind",
        "vectors",
        "documents",
        "size",
        "configuration",
        "judged",
        "made",
    )
    list_display_links = ("number",)
    list_select_related = ("configuration", "base")
    list_filter = ("state",)
    list_before_template = "knowledge/admin/_releases.html"
    actions = ("activate",)
    actions_list = ("rebuild", "compare")
    actions_detail = ("let_in",)
    fields = (
        "status",
        "kind",
        "configuration",
        "model",
        "engine",
        "vectors",
        "recent",
        "documents",
        "size",
        "covers_until",
        "built_at",
        "activated_at",
        "judged",
        "gate_report",
        "overridden_by",
        "override_reason",
        "error",
    )
    readonly_fields = ("status", "kind", "size", "judged", "gate_report")
    show_full_result_count = False

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """The playground stands beside the releases that it asks."""
        own = path(
            "playground/",
            self.admin_site.admin_view(playground.page),
            name="knowledge_playground",
        )
        return [own, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        measured = drift.last_measured()
        context = {
            **(extra_context or {}),
            "stats": catalogue.stats(),
            "drift": measured,
            "drift_at": badges.moment(measured["at"]) if measured else None,
            "notices": notices_of_all(),
        }
        response: HttpResponse = super().changelist_view(request, context)
        return response

    @display(description="No.", ordering="pk")  # type: ignore[untyped-decorator]
    def number(self, build: IndexBuild) -> int:
        return build.pk

    @display(description="State", ordering="state")  # type: ignore[untyped-decorator]
    def status(self, build: IndexBuild) -> SafeString:
        badge = _progress_of(build) or _BADGES[IndexBuild.State(build.state)]
        return replace(badge, sentence=_problem(build)).html()

    @display(description="Kind")  # type: ignore[untyped-decorator]
    def kind(self, build: IndexBuild) -> str:
        if build.base_id is None:
            return "Full"
        return f"Build {build.base_id} and {build.recent} newer passages"

    @display(description="Size", ordering="bytes")  # type: ignore[untyped-decorator]
    def size(self, build: IndexBuild) -> str:
        return filesizeformat(build.bytes) if build.bytes else ""

    @display(description="Quality gate")  # type: ignore[untyped-decorator]
    def judged(self, build: IndexBuild) -> SafeString:
        if build.overridden_by_id or build.override_reason:
            return Badge("Let in", "is-care", "care", build.override_reason).html()
        badge = _GATES.get(str(build.gate.get("verdict", "")))
        return badge.html() if badge else SafeString("")

    @display(description="What the gate found")  # type: ignore[untyped-decorator]
    def gate_report(self, build: IndexBuild) -> SafeString:
        context = {"gate": build.gate, "lost": lost_in_gate(build.gate)}
        return render_to_string("knowledge/admin/_gate.html", context)

    @display(description="Built", ordering="built_at")  # type: ignore[untyped-decorator]
    def made(self, build: IndexBuild) -> str:
        return date_format(localtime(build.built_at), "j M Y, H:i") if build.built_at else ""

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
            said = f"Readers search build {builds[0].pk} from now on."
            ends = rollbacks.sentence_of(builds[0])
            (messages.warning if ends else messages.success)(request, f"{said} {ends}".strip())

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
        return sent_to(request, reverse(_LIST))

    @action(  # type: ignore[untyped-decorator]
        description="Compare with the database",
        url_path="compare",
        icon="compare_arrows",
        dialog={
            "title": "Compare the index with the database",
            "description": "Every passage is looked up on both sides. Nothing is changed.",
            "form_class": None,
            "form_submit_text": "Compare",
        },
    )
    def compare(self, request: HttpRequest, form: Any) -> HttpResponse:
        try:
            found = drift.measure_now()
        except (IndexUnusable, OSError):
            messages.error(request, _UNREADABLE)
            return sent_to(request, reverse(_LIST))
        words = (
            f"{found.checked} passages were compared: {found.missing} missing, {found.orphaned} "
            f"orphaned, {found.stale} stale, {found.wrong_model} of another model; {found.waiting} "
            f"wait for a build, {found.pending_erasure} wait to be erased."
        )
        if not found.is_zero:
            words += " “Build again” repairs this."
        (messages.success if found.is_zero else messages.error)(request, words)
        return sent_to(request, reverse(_LIST))

    @action(  # type: ignore[untyped-decorator]
        description="Let it in all the same",
        url_path="let-in",
        icon="lock_open",
        permissions=["let_in"],
        dialog={
            "title": "Let a refused build answer",
            "description": "The golden questions say that it answers worse. Who let it in, and "
            "why, is kept.",
            "form_class": ReasonForm,
            "form_submit_text": "Let it in",
        },
    )
    def let_in(self, request: HttpRequest, form: Any, object_id: int) -> HttpResponse:
        url = reverse("admin:knowledge_indexbuild_change", args=[object_id])
        build = IndexBuild.objects.get(pk=object_id)  # has_let_in_permission found it
        try:
            override_gate(build, request.user, form.cleaned_data["reason"])  # type: ignore[arg-type]
        except AppError as error:
            sentences = [s for texts in error.fields.values() for s in texts] or [error.detail]
            messages.error(request, " ".join(sentences))
        else:
            messages.success(request, f"Readers search build {build.pk} from now on.")
        return sent_to(request, url)

    def has_let_in_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Only a refused build has this door."""
        refused = IndexBuild.objects.filter(pk=object_id, state=IndexBuild.State.REFUSED)
        return self.has_view_permission(request) and refused.exists()


def _problem(build: IndexBuild) -> str:
    if build.state == IndexBuild.State.REFUSED:
        return str(build.gate.get("reason", ""))
    return build.error


def _progress_of(build: IndexBuild) -> Badge | None:
    """A bar for a build that is being made, with what is left of it."""
    percent = runs.percent_of(build)
    if percent is None:
        return None
    words = _STEPS.get(str(build.progress.get("step", "")), "Being built")
    left = runs.seconds_left(build)
    return Badge(words if left is None else f"{words}, {_left(left)}", percent=percent)


def _left(seconds: int) -> str:
    return f"about {seconds} s left" if seconds < 90 else f"about {round(seconds / 60)} min left"
