"""Forms of sets, questions and evidence: what is wrong is said beside the field, at once."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectMultipleWidget,
    UnfoldAdminTextareaWidget,
)

from evaluation.asking import Readers
from evaluation.evidence import problem_of
from evaluation.files import BadFile, read_bytes
from evaluation.files.values import key_of
from evaluation.importing import FROZEN, Prepared, prepare
from evaluation.models import Evidence, Question, QuestionSet
from evaluation.quotes import MAX_QUOTE
from evaluation.sets import NOT_FOR_ASKER
from knowledge.services.fields import without_controls

_LONGEST = 5000  # characters of a question
_MUST_INCLUDE = 50


class QuestionSetForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """A set's own fields, and a file whose questions are added when it is saved."""

    questions_file = forms.FileField(
        required=False,
        label="Questions from a file",
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".jsonl,.json,.gz"}),
        help_text="JSON lines with question and evidence (document and quote), or SQuAD. A "
        "question that the set has already is changed, not doubled.",
    )

    class Meta:
        model = QuestionSet
        fields = ("name", "slug", "kind", "description")

    prepared: Prepared | None = None

    def clean_questions_file(self) -> Any:
        file = self.cleaned_data.get("questions_file")
        if file is None:
            return None
        if self.instance.frozen_at:
            raise forms.ValidationError(FROZEN)
        try:
            self.prepared = prepare(read_bytes(file.read()))
        except BadFile as error:
            raise forms.ValidationError(f"Nothing was imported. {error}") from error
        return file


class QuestionForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """A question; groups are kept by name, and strings that an answer must have by line."""

    asked_as = forms.ModelMultipleChoiceField(
        queryset=Group.objects.order_by("name"),
        required=False,
        label="Asked as a member of",
        widget=UnfoldAdminSelectMultipleWidget(),
        help_text="No group: as a visitor, who sees what is for everyone.",
    )
    must_have = forms.CharField(
        required=False,
        label="An answer has these words",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="One to a line. For runs that ask for answers, too.",
    )

    class Meta:
        model = Question
        fields = (
            *("question_set", "text", "kind", "expected_outcome", "status"),
            *("language", "reference_answer"),
        )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        question: Question = self.instance
        if question.pk:
            self.initial["asked_as"] = Group.objects.filter(name__in=question.as_groups)
            self.initial["must_have"] = "\n".join(question.must_include)

    def clean_text(self) -> str:
        text = without_controls(self.cleaned_data["text"]).strip()
        if not 0 < len(text) <= _LONGEST:
            raise forms.ValidationError(f"A question has 1 to {_LONGEST} characters.")
        return text

    def clean_must_have(self) -> list[str]:
        lines = without_controls(self.cleaned_data["must_have"]).splitlines()
        return [line.strip() for line in lines if line.strip()][:_MUST_INCLUDE]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        question_set, text = cleaned.get("question_set"), cleaned.get("text")
        if question_set is None or text is None:
            return cleaned
        if question_set.frozen_at:
            self.add_error("question_set", FROZEN)
        if not self.instance.pk:
            self.instance.key = key_of(text)
            if Question.objects.filter(question_set=question_set, key=self.instance.key).exists():
                self.add_error("text", "The set has this question already.")
        return cleaned

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001  (Django's signature)
        self.instance.as_groups = [group.name for group in self.cleaned_data["asked_as"]]
        self.instance.must_include = self.cleaned_data["must_have"]
        return super().save(commit)


class EvidenceForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """A document and a quote that stands in it."""

    class Meta:
        model = Evidence
        fields = ("document", "quote", "grade")
        widgets = {"quote": UnfoldAdminTextareaWidget(attrs={"rows": 2})}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "document" in self.fields:
            self.fields["document"].required = True

    def clean_quote(self) -> str:
        quote = without_controls(self.cleaned_data["quote"]).strip()
        if len(quote) > MAX_QUOTE:
            raise forms.ValidationError(f"A quote has at most {MAX_QUOTE} characters.")
        return quote

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        document, quote = cleaned.get("document"), cleaned.get("quote")
        if document is None or quote is None:
            return cleaned
        problem = problem_of(document, quote)
        if problem:
            self.add_error("quote", problem)
        return cleaned

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001  (Django's signature)
        if "quote" in self.changed_data or "document" in self.changed_data:
            self.instance.position = None  # it told where the words of before stood
            self.instance.checked_version = None
            self.instance.found_in = self.instance.lost_in = None
        return super().save(commit)


class EvidenceFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """All evidence of a question, which its asker must be able to read."""

    def clean(self) -> None:
        super().clean()
        names = getattr(self.instance, "as_groups", None) or []
        may_see = Readers().may_see(names)
        for form in self.forms:
            document = form.cleaned_data.get("document") if hasattr(form, "cleaned_data") else None
            if document is None or form.cleaned_data.get("DELETE"):
                continue
            if document.pk not in may_see:
                form.add_error("document", NOT_FOR_ASKER.format(document.title))
