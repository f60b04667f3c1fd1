"""Questions in the admin, each with the quotes that answer it."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, StackedInline
from unfold.decorators import display

from core.staff import ForStaff
from evaluation.admin import badges
from evaluation.admin.forms import EvidenceForm, EvidenceFormSet, QuestionForm
from evaluation.models import Evidence, Question

_NO_EVIDENCE = (
    "This question has no evidence, so that it is left out of every figure and of the gate. Add "
    "the document and the sentence that answer it, or say that nothing answers it."
)
_SOME_HAVE_NONE = (
    "{} of them have no evidence and are left out of every figure and of the gate. Add the "
    "sentences that answer them."
)


class EvidenceInline(ForStaff, StackedInline):  # type: ignore[misc]  # unfold has no types
    """A manager picks a document and pastes a quote; whether it is there is said on saving."""

    model = Evidence
    form = EvidenceForm
    formset = EvidenceFormSet
    autocomplete_fields = ("document",)
    extra = 0
    min_num = 0
    verbose_name_plural = "Evidence: the quotes that answer it"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Evidence]:
        """Erased evidence is said above; there is nothing left to change in it."""
        return Evidence.objects.exclude(document=None).select_related("document")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_add_permission(request) and not _is_frozen(obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request) and not _is_frozen(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request) and not _is_frozen(obj)


@admin.register(Question)
class QuestionAdmin(ForStaff, ModelAdmin):  # type: ignore[misc]  # unfold has no types
    form = QuestionForm
    inlines = (EvidenceInline,)
    list_display = ("shown", "question_set", "kind", "quotes", "asked_by", "state")
    list_display_links = ("shown",)
    list_filter = ("question_set", "status", "kind", "expected_outcome")
    list_select_related = ("question_set",)
    list_before_template = "evaluation/admin/_questions.html"
    search_fields = ("text", "key")
    show_full_result_count = False
    list_per_page = 50
    actions = ("accept", "retire")
    fieldsets = (
        (None, {"fields": ("question_set", "text", "kind", "expected_outcome", "status")}),
        ("Who asks", {"fields": ("asked_as", "language")}),
        ("The answer", {"fields": ("reference_answer", "must_have", "erased")}),
    )
    readonly_fields = ("erased",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Question]:
        evidence = Count("evidence", filter=Q(evidence__document__isnull=False))
        return super().get_queryset(request).annotate(quote_count=evidence)  # type: ignore[no-any-return]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request) and not _is_frozen(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request) and not _is_frozen(obj)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        return {"status": Question.Status.ACCEPTED, **initial}

    def save_model(self, request: HttpRequest, obj: Question, form: Any, change: Any) -> None:
        if obj.author_id is None:
            obj.author = request.user  # type: ignore[assignment]
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        super().save_related(request, form, formsets, change)
        if _without_evidence(Question.objects.filter(pk=form.instance.pk)):
            messages.warning(request, _NO_EVIDENCE)

    @display(description="Question", ordering="text")  # type: ignore[untyped-decorator]
    def shown(self, question: Question) -> str:
        return question.text[:160]

    @display(description="Quotes")  # type: ignore[untyped-decorator]
    def quotes(self, question: Question) -> int:
        count: int = question.quote_count  # type: ignore[attr-defined]
        return count

    @display(description="Asked as")  # type: ignore[untyped-decorator]
    def asked_by(self, question: Question) -> str:
        return ", ".join(question.as_groups) or "Visitor"

    @display(description="State", ordering="status")  # type: ignore[untyped-decorator]
    def state(self, question: Question) -> SafeString:
        return badges.of_status(question).html()

    @display(description="Erased")  # type: ignore[untyped-decorator]
    def erased(self, question: Question) -> str:
        count = question.evidence.filter(document=None).count() if question.pk else 0
        if not count:
            return "Nothing"
        return (
            f"{count} quotes went with a document that was deleted. Bring new ones, or retire it."
        )

    @admin.action(description="Accept")
    def accept(self, request: HttpRequest, queryset: QuerySet[Question]) -> None:
        self._set_status(request, queryset, Question.Status.ACCEPTED)

    @admin.action(description="Retire")
    def retire(self, request: HttpRequest, queryset: QuerySet[Question]) -> None:
        self._set_status(request, queryset, Question.Status.RETIRED)

    def _set_status(
        self, request: HttpRequest, queryset: QuerySet[Question], status: Question.Status
    ) -> None:
        chosen = Question.objects.filter(pk__in=queryset.values("pk"))
        frozen = chosen.filter(question_set__frozen_at__isnull=False).count()
        changed = chosen.filter(question_set__frozen_at=None).update(status=status)
        messages.success(request, f"{changed} questions are {status.label.lower()}.")
        bare = _without_evidence(chosen.filter(question_set__frozen_at=None))
        if bare:
            messages.warning(request, _SOME_HAVE_NONE.format(bare))
        if frozen:
            messages.warning(request, f"{frozen} belong to a frozen set and stay as they are.")


def _without_evidence(questions: "QuerySet[Question]") -> int:
    """How many of these are asked and answerable, and have nothing to be scored by."""
    asked = questions.filter(
        status=Question.Status.ACCEPTED, expected_outcome=Question.Outcome.ANSWERED
    )
    return asked.exclude(evidence__document__isnull=False).count()


def _is_frozen(question: Question | None) -> bool:
    return bool(question is not None and question.pk and question.question_set.frozen_at)
