"""Fits of "not found" in the admin: one more, what the last ones did, and back again."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from core.staff import ReadOnly
from evaluation import calibrating
from knowledge.admin.answers import sent_to
from knowledge.admin.badges import Badge
from knowledge.models import Calibration

_LIST = "admin:knowledge_calibration_changelist"
_NAMES = {
    "meaning": "By meaning and words",
    "words": "By words alone",
    "meaning+reader": "By meaning, words and the reader",
    "words+reader": "By words and the reader",
}
_FIT = {
    "title": "Fit “not found” on the golden questions",
    "description": "A worker asks the accepted golden questions and fits from which score on a "
    "question is answered. When it is done it decides at once; it can be undone.",
    "form_class": None,
    "form_submit_text": "Fit now",
}
_UNDO = {
    "title": "Go back to the shipped calibration",
    "description": "All fits are put aside. They stay listed.",
    "form_class": None,
    "form_submit_text": "Go back",
}


@admin.register(Calibration)
class CalibrationAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]  # unfold has no types
    list_display = ("made", "status", "decides", "sets", "requested_by")
    list_display_links = ("made",)
    list_before_template = "evaluation/admin/_fits_intro.html"
    list_select_related = ("requested_by",)
    show_full_result_count = False
    list_per_page = 20
    actions_list = ("fit", "undo")
    fieldsets = (
        (None, {"fields": ("status", "decides", "error", "figures_table")}),
        ("Where it comes from", {"fields": ("provenance", "requested_by", "created_at")}),
        ("Put aside", {"fields": ("undone_at", "undone_by")}),
    )
    readonly_fields = ("status", "decides", "figures_table", "provenance")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        in_use = Calibration.objects.in_use().first()
        context = {
            **(extra_context or {}),
            "supply": calibrating.supply(),
            "in_use": in_use,
            "outdated": calibrating.outdated(in_use) if in_use else "",
        }
        response: HttpResponse = super().changelist_view(request, context)
        return response

    @display(description="Asked for", ordering="created_at")  # type: ignore[untyped-decorator]
    def made(self, row: Calibration) -> Any:
        return row.created_at

    @display(description="State", ordering="state")  # type: ignore[untyped-decorator]
    def status(self, row: Calibration) -> SafeString:
        return _badge(row).html()

    @display(description="Decides now")  # type: ignore[untyped-decorator]
    def decides(self, row: Calibration) -> str:
        if Calibration.objects.in_use().first() != row:
            return "No"
        why = calibrating.outdated(row)
        return f"No. {why}" if why else "Yes"

    @display(description="Question sets")  # type: ignore[untyped-decorator]
    def sets(self, row: Calibration) -> str:
        return ", ".join(row.values.get("provenance", {}).get("sets", ()))

    @display(description="Before and after")  # type: ignore[untyped-decorator]
    def figures_table(self, row: Calibration) -> SafeString:
        rows = [
            {"name": words, "when": when, "figures": row.figures[name][when]}
            for name, words in _NAMES.items()
            if name in row.figures
            for when in ("before", "after")
        ]
        return render_to_string("evaluation/admin/_fit_figures.html", {"rows": rows})

    @display(description="Made with")  # type: ignore[untyped-decorator]
    def provenance(self, row: Calibration) -> SafeString:
        facts = row.values.get("provenance", {})
        return render_to_string("evaluation/admin/_fit_provenance.html", {"facts": facts})

    @action(description="Fit on golden questions", url_path="fit", icon="tune", dialog=_FIT)  # type: ignore[untyped-decorator]
    def fit(self, request: HttpRequest, form: Any) -> HttpResponse:
        try:
            row = calibrating.queue(request.user)
        except calibrating.NotFittable as error:
            messages.warning(request, str(error))
            return sent_to(request, reverse(_LIST))
        messages.success(request, "The fit waits for a worker.")
        return sent_to(request, reverse("admin:knowledge_calibration_change", args=[row.pk]))

    @action(description="Undo", url_path="undo", icon="undo", dialog=_UNDO)  # type: ignore[untyped-decorator]
    def undo(self, request: HttpRequest, form: Any) -> HttpResponse:
        if calibrating.undo(request.user):
            messages.success(request, "The shipped calibration decides again.")
        else:
            messages.warning(request, "There is no fit to undo: the shipped calibration decides.")
        return sent_to(request, reverse(_LIST))


def _badge(row: Calibration) -> Badge:
    """How far a fit is."""
    if row.state == Calibration.State.DONE:
        return Badge("Put aside") if row.undone_at else Badge("Done", "is-good", "check")
    if row.state == Calibration.State.FAILED:
        return Badge("Failed", "is-wrong", "wrong", row.error)
    if row.state == Calibration.State.RUNNING and row.total:
        return Badge("Asking", percent=100 * row.asked // row.total)
    return Badge("Waiting")
