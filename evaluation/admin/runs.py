"""Runs and their results in the admin: every figure opens its questions."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from core.staff import ReadOnly
from evaluation import losses
from evaluation.admin import badges, plots
from evaluation.models import Result, Run
from evaluation.reliability import ENOUGH
from knowledge.models import Document

_WORDS = {
    "evidence@5": "Evidence in the first 5 passages",
    "ndcg@10": "Order of the first 10 documents (nDCG)",
    "recall@1": "Right document first",
    "recall@5": "Right documents in the first 5",
    "recall@10": "Right documents in the first 10",
    "recall@20": "Right documents in the first 20",
    "mrr": "Mean reciprocal rank",
    "auc": "Answerable told from not (AUC)",
    "refused": "Answerable, but refused",
    "answered": "Not answerable, but answered",
}
_STAGES = {"dense": "By meaning", "lexical": "By words", "fused": "Both", "final": "As shown"}


@admin.register(Run)
class RunAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]  # unfold has no types
    list_display = (
        *("number", "questions", "origin", "build_number", "status"),
        *("evidence_found", "judged", "created_at"),
    )
    list_filter = ("question_set", "origin", "verdict", "state")
    list_select_related = ("question_set",)
    list_before_template = "evaluation/admin/_runs_intro.html"
    show_full_result_count = False
    list_per_page = 50
    fieldsets = (
        (None, {"fields": ("status", "judged", "reason", "error")}),
        (
            "Figures",
            {
                "fields": (
                    *("figures_table", "lost_table", "faults_table", "reliability_figure"),
                    "stages_table",
                )
            },
        ),
        (
            "What was asked",
            {
                "fields": (
                    *("questions", "build_number", "compared_with", "origin", "requested_by"),
                    *("asked", "total", "started_at", "finished_at"),
                )
            },
        ),
        (
            "To make it again",
            {
                "classes": ("collapse",),
                "fields": ("fingerprint", "limit", "seed", "configuration", "revision"),
            },
        ),
    )
    readonly_fields = (
        *("status", "judged", "figures_table", "lost_table", "faults_table", "stages_table"),
        *("reliability_figure", "questions", "compared_with", "fingerprint"),
    )

    @display(description="No.", ordering="pk")  # type: ignore[untyped-decorator]
    def number(self, run: Run) -> int:
        return run.pk

    @display(description="State", ordering="state")  # type: ignore[untyped-decorator]
    def status(self, run: Run) -> SafeString:
        return badges.of_run(run).html()

    @display(description="Verdict", ordering="verdict")  # type: ignore[untyped-decorator]
    def judged(self, run: Run) -> SafeString:
        return badges.of_verdict(run).html()

    @display(description="Questions", ordering="question_set")  # type: ignore[untyped-decorator]
    def questions(self, run: Run) -> str:
        return run.question_set.name if run.question_set else "All golden questions"

    @display(description="Compared with")  # type: ignore[untyped-decorator]
    def compared_with(self, run: Run) -> str | SafeString:
        if run.baseline_id:
            url = reverse("admin:evaluation_run_change", args=[run.baseline_id])
            return format_html('<a href="{}">Run {}</a>', url, run.baseline_id)
        if run.origin == Run.Origin.GATE and run.metrics.get("differences"):
            return "The release that answered then"
        return "Nothing"

    @display(description="Fingerprint of the questions")  # type: ignore[untyped-decorator]
    def fingerprint(self, run: Run) -> str:
        return run.set_hash

    @display(description="Evidence in the first five")  # type: ignore[untyped-decorator]
    def evidence_found(self, run: Run) -> str:
        found = run.metrics.get("figures", {}).get("evidence@5")
        if not found:
            return ""
        return f"{found['value']:.0%} ({found['low']:.0%} to {found['high']:.0%}) of {found['n']}"

    @display(description="Figures")  # type: ignore[untyped-decorator]
    def figures_table(self, run: Run) -> SafeString:
        found, compared = run.metrics.get("figures", {}), run.metrics.get("differences", {})
        rows = [
            {"words": words, "one": found[name], "difference": _of(compared, name)}
            for name, words in _WORDS.items()
            if name in found
        ]
        before = "release" if run.origin == Run.Origin.GATE else "run"
        context = {"rows": rows, "has_differences": bool(compared), "before": before}
        return render_to_string("evaluation/admin/_figures.html", context)

    @display(description="Lost evidence")  # type: ignore[untyped-decorator]
    def lost_table(self, run: Run) -> SafeString:
        context = {"lost": losses.rows(run.metrics.get("lost", ()))}
        return render_to_string("evaluation/admin/_lost.html", context)

    @display(description="What went wrong")  # type: ignore[untyped-decorator]
    def faults_table(self, run: Run) -> SafeString:
        counts = run.metrics.get("counts", {})
        link = reverse("admin:evaluation_result_changelist")
        rows = [
            {
                "words": fault.label,
                "count": counts[fault.value],
                "url": f"{link}?run__id__exact={run.pk}&fault__exact={fault.value}",
            }
            for fault in Result.Fault
            if fault.value in counts
        ]
        context = {"rows": rows, "all_url": f"{link}?run__id__exact={run.pk}", "total": run.asked}
        return render_to_string("evaluation/admin/_faults.html", context)

    @display(description="How sure, and how often right")  # type: ignore[untyped-decorator]
    def reliability_figure(self, run: Run) -> SafeString:
        context = {"drawn": plots.drawn(run.metrics.get("reliability", {})), "enough": ENOUGH}
        return render_to_string("evaluation/admin/_reliability.html", context)

    @display(description="Stages")  # type: ignore[untyped-decorator]
    def stages_table(self, run: Run) -> SafeString:
        found = run.metrics.get("stages", {})
        stages = [stage for stage in _STAGES if stage in found]
        rows = [
            {"words": words, "values": [found[stage].get(name) for stage in stages]}
            for name, words in _WORDS.items()
            if any(name in found[stage] for stage in stages)
        ]
        context = {"rows": rows, "names": [_STAGES[stage] for stage in stages]}
        return render_to_string("evaluation/admin/_stages.html", context)


def _of(compared: dict[str, Any], name: str) -> Any:
    """A difference by its name; gates of before kept it by the name's first part."""
    return compared.get(name) or compared.get(name.partition("@")[0])


@admin.register(Result)
class ResultAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]  # unfold has no types
    list_display = ("question_text", "kind", "outcome", "ranks", "score", "run")
    list_display_links = ("question_text",)
    list_filter = ("fault", "question__kind", "question__question_set")
    list_select_related = ("question", "run")
    search_fields = ("question__text",)
    show_full_result_count = False
    list_per_page = 50
    fields = ("question_text", "outcome", "detail", "ranks", "score", "passages_table", "run")
    readonly_fields = ("question_text", "outcome", "ranks", "score", "passages_table")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Not in the menu: results are reached from their run."""
        return False

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        return lookup == "run__id__exact" or bool(super().lookup_allowed(lookup, value, request))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Result]:
        return Result.objects.select_related("question", "run").order_by("-fault", "question_id")

    @display(description="Question", ordering="question__text")  # type: ignore[untyped-decorator]
    def question_text(self, result: Result) -> str:
        return result.question.text[:160]

    @display(description="Kind", ordering="question__kind")  # type: ignore[untyped-decorator]
    def kind(self, result: Result) -> str:
        return result.question.get_kind_display()

    @display(description="Outcome", ordering="fault")  # type: ignore[untyped-decorator]
    def outcome(self, result: Result) -> SafeString:
        return badges.of_fault(result).html()

    @display(description="Place of the evidence")  # type: ignore[untyped-decorator]
    def ranks(self, result: Result) -> str:
        said = (
            f"{_STAGES[stage].lower()} {values.get('rank') or 'none'}"
            for stage, values in result.stages.items()
            if stage in _STAGES
        )
        return ", ".join(said)

    @display(description="Answerable", ordering="answerable")  # type: ignore[untyped-decorator]
    def score(self, result: Result) -> str:
        return f"{result.answerable:.2f}"

    @display(description="Passages")  # type: ignore[untyped-decorator]
    def passages_table(self, result: Result) -> SafeString:
        ids = {passage["document_id"] for passage in result.passages}
        titles = dict(Document.objects.filter(pk__in=ids).values_list("pk", "title"))
        rows = [
            {
                "place": place,
                "passage": passage,
                "title": titles.get(passage["document_id"], ""),
                "url": reverse("admin:knowledge_document_change", args=[passage["document_id"]]),
            }
            for place, passage in enumerate(result.passages, 1)
        ]
        return render_to_string("evaluation/admin/_result_passages.html", {"rows": rows})
