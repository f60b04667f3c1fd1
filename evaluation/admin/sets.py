"""Question sets in the admin: their state, a file in or out, and a run now."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, JSONField, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from core.staff import ForStaff
from evaluation import runs, sets
from evaluation.admin import badges
from evaluation.admin.forms import QuestionSetForm
from evaluation.importing import import_questions
from evaluation.models import Question, QuestionSet, Run, RunState

_SHOWN_RUNS = 5
_SHOWN_PROBLEMS = 20
_RUN = {
    "title": "Ask all questions now",
    "description": "A worker asks the accepted questions of the index that readers search. "
    "Readers notice nothing.",
    "form_class": None,
    "form_submit_text": "Run now",
}
_FREEZE = {
    "title": "Freeze or thaw this set",
    "description": "The questions of a frozen set cannot be changed, so that its runs can be "
    "compared. Frozen sets can be thawed again.",
    "form_class": None,
    "form_submit_text": "Go on",
}


@admin.register(QuestionSet)
class QuestionSetAdmin(ForStaff, ModelAdmin):  # type: ignore[misc]  # unfold has no types
    form = QuestionSetForm
    list_display = ("name", "kind", "accepted", "proposed", "evidence_found", "frozen_at")
    list_filter = ("kind",)
    list_before_template = "evaluation/admin/_sets.html"
    search_fields = ("name", "slug")
    show_full_result_count = False
    prepopulated_fields = {"slug": ("name",)}
    actions_detail = ("run_now", "check_evidence", "export", "freeze")
    fieldsets = (
        (None, {"fields": ("name", "slug", "kind", "description")}),
        ("Questions", {"fields": ("overview", "questions_file")}),
        ("Runs", {"fields": ("latest_runs",)}),
    )
    add_fieldsets = ((None, {"fields": ("name", "slug", "kind", "description")}),)
    readonly_fields = ("overview", "latest_runs")

    def get_queryset(self, request: HttpRequest) -> QuerySet[QuestionSet]:
        last = Run.objects.filter(question_set=OuterRef("pk"), state=RunState.DONE).order_by("-pk")
        return (  # type: ignore[no-any-return]
            super()
            .get_queryset(request)
            .annotate(
                accepted_count=_count(Question.Status.ACCEPTED),
                proposed_count=_count(Question.Status.PROPOSED),
                last_metrics=Subquery(last.values("metrics")[:1], output_field=JSONField()),
            )
        )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {**(extra_context or {}), "is_empty": not QuestionSet.objects.exists()}
        response: HttpResponse = super().changelist_view(request, context)
        return response

    # --- What is shown ---

    @display(description="Accepted", ordering="accepted_count")  # type: ignore[untyped-decorator]
    def accepted(self, question_set: QuestionSet) -> int:
        count: int = question_set.accepted_count  # type: ignore[attr-defined]
        return count

    @display(description="Proposed", ordering="proposed_count")  # type: ignore[untyped-decorator]
    def proposed(self, question_set: QuestionSet) -> int:
        count: int = question_set.proposed_count  # type: ignore[attr-defined]
        return count

    @display(description="Evidence in the first five")  # type: ignore[untyped-decorator]
    def evidence_found(self, question_set: QuestionSet) -> str:
        metrics: dict[str, Any] = question_set.last_metrics or {}  # type: ignore[attr-defined]
        found = metrics.get("figures", {}).get("evidence@5")
        return f"{found['value']:.0%} of {found['n']}" if found else "Not asked yet"

    @display(description="How many")  # type: ignore[untyped-decorator]
    def overview(self, question_set: QuestionSet) -> SafeString:
        link = reverse("admin:evaluation_question_changelist")
        add = reverse("admin:evaluation_question_add")
        context = {
            "accepted": question_set.accepted_count,  # type: ignore[attr-defined]
            "proposed": question_set.proposed_count,  # type: ignore[attr-defined]
            "url": f"{link}?question_set__id__exact={question_set.pk}",
            "add_url": f"{add}?question_set={question_set.pk}",
            "frozen_at": question_set.frozen_at,
        }
        return render_to_string("evaluation/admin/_overview.html", context)

    @display(description="The last ones")  # type: ignore[untyped-decorator]
    def latest_runs(self, question_set: QuestionSet) -> SafeString:
        rows = [
            {
                "run": run,
                "badge": badges.of_run(run),
                "verdict": badges.of_verdict(run),
                "figures": run.metrics.get("figures", {}),
                "url": reverse("admin:evaluation_run_change", args=[run.pk]),
            }
            for run in question_set.runs.order_by("-pk")[:_SHOWN_RUNS]
        ]
        return render_to_string("evaluation/admin/_runs.html", {"rows": rows})

    # --- What is done ---

    def save_model(
        self, request: HttpRequest, obj: QuestionSet, form: QuestionSetForm, change: Any
    ) -> None:
        super().save_model(request, obj, form, change)
        if form.prepared is None:
            return
        done = import_questions(obj, form.prepared, author=request.user)  # type: ignore[arg-type]
        messages.success(
            request,
            f"{done.added} questions were added, {done.changed} changed, "
            f"{done.unchanged} were there already.",
        )
        if done.loose:
            messages.warning(
                request, f"{done.loose} have a quote that is not in its document: check evidence."
            )

    @action(description="Run now", url_path="run", icon="play_arrow", dialog=_RUN)  # type: ignore[untyped-decorator]
    def run_now(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        question_set = get_object_or_404(QuestionSet, pk=object_id)
        before = question_set.runs.filter(state=RunState.DONE, limit=None).first()
        run = runs.queue(runs.Wanted(question_set, baseline=before, requested_by=request.user))
        messages.success(request, f"Run {run.pk} waits for a worker.")
        return _go(request, reverse("admin:evaluation_run_change", args=[run.pk]))

    @action(description="Check evidence", url_path="check", icon="fact_check")  # type: ignore[untyped-decorator]
    def check_evidence(self, request: HttpRequest, object_id: str) -> HttpResponse:
        question_set = get_object_or_404(QuestionSet, pk=object_id)
        problems = list(sets.check(question_set))
        for finding in problems[:_SHOWN_PROBLEMS]:
            messages.warning(request, f"{finding.question.text[:80]}: {finding.problem}")
        if len(problems) > _SHOWN_PROBLEMS:
            more = len(problems) - _SHOWN_PROBLEMS
            messages.warning(request, f"{more} more: manage.py golden check {question_set.slug}")
        if not problems:
            messages.success(request, "All evidence is found.")
        return _go(request, _page_of(object_id))

    @action(description="Export", url_path="export", icon="download")  # type: ignore[untyped-decorator]
    def export(self, request: HttpRequest, object_id: str) -> StreamingHttpResponse:
        question_set = get_object_or_404(QuestionSet, pk=object_id)
        lines = (f"{line}\n" for line in sets.as_lines(question_set))
        name = f'attachment; filename="{question_set.slug}.jsonl"'
        return StreamingHttpResponse(
            lines, content_type="application/jsonl", headers={"Content-Disposition": name}
        )

    @action(description="Freeze or thaw", url_path="freeze", icon="ac_unit", dialog=_FREEZE)  # type: ignore[untyped-decorator]
    def freeze(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        question_set = get_object_or_404(QuestionSet, pk=object_id)
        if question_set.frozen_at:
            sets.thaw(question_set)
            messages.success(request, "The questions can be changed again.")
        else:
            sets.freeze(question_set)
            messages.success(request, "The questions stay as they are from now on.")
        return _go(request, _page_of(object_id))


def _count(status: Question.Status) -> Count:
    return Count("questions", filter=Q(questions__status=status))


def _page_of(object_id: str) -> str:
    return reverse("admin:evaluation_questionset_change", args=[object_id])


def _go(request: HttpRequest, url: str) -> HttpResponse:
    """A dialog is sent by a script, which follows a header and no redirect."""
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)
