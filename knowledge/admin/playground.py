"""The playground: one question, every stage of its search, asked as somebody else."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from knowledge.retrieval.types import IndexUnusable
from knowledge.search.audiences import Audience
from knowledge.search.explaining import Candidate, Explanation, explain
from knowledge.services.fields import without_controls
from users.models import User

_MOST = 50
_VISITOR, _MYSELF, _PERSON, _GROUP = "visitor", "me", "person", "group:"
_NO_PERSON = "There is no active account with this e-mail."
_SHARE = 100


class QuestionForm(forms.Form):
    """A question, who asks it, and how many passages are wanted."""

    question = forms.CharField(max_length=5000, widget=UnfoldAdminTextInputWidget())
    asker = forms.ChoiceField(label="Ask as", widget=UnfoldAdminSelectWidget())
    email = forms.EmailField(
        label="E-mail of the person", required=False, widget=UnfoldAdminTextInputWidget()
    )
    limit = forms.IntegerField(
        label="Passages",
        required=False,
        min_value=1,
        max_value=_MOST,
        widget=UnfoldAdminIntegerFieldWidget(),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        groups = Group.objects.order_by("name").values_list("name", flat=True)
        asker = self.fields["asker"]
        assert isinstance(asker, forms.ChoiceField)  # noqa: S101  (declared above)
        asker.choices = [
            (_VISITOR, "A visitor"),
            (_MYSELF, "Myself"),
            (_PERSON, "The person with this e-mail"),
            *((f"{_GROUP}{name}", f"A member of {name}") for name in groups),
        ]

    def clean_question(self) -> str:
        question = without_controls(self.cleaned_data["question"]).strip()
        if not question:
            raise forms.ValidationError("Ask something.")
        return question

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("asker") == _PERSON:
            email = (cleaned.get("email") or "").strip()
            person = User.objects.filter(email__iexact=email, is_active=True).first()
            if person is None:
                self.add_error("email", _NO_PERSON)
            cleaned["person"] = person
        return cleaned

    def audience(self, request: HttpRequest) -> Audience:
        """Who is to ask."""
        asker = self.cleaned_data["asker"]
        if asker == _MYSELF:
            return Audience.of(request.user)
        if asker == _PERSON:
            return Audience.of(self.cleaned_data["person"])
        if asker.startswith(_GROUP):
            return Audience.members(asker.removeprefix(_GROUP))
        return Audience.visitor()


@dataclass(frozen=True)
class _Row:
    """A candidate with what the table shows of it."""

    candidate: Candidate

    @property
    def percent(self) -> int:
        return round(self.candidate.relevance * _SHARE)

    @property
    def review_by(self) -> date | None:
        passage = self.candidate.passage
        is_overdue = passage is not None and passage.is_overdue
        return date.fromisoformat(passage.review_by) if passage and is_overdue else None


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Ask and show; a question travels in the body, so that no log of addresses keeps it."""
    form = QuestionForm(request.POST or None, initial={"asker": _VISITOR})
    found: Explanation | None = None
    problem = ""
    if request.method == "POST" and form.is_valid():
        try:
            found = explain(
                form.cleaned_data["question"],
                audience=form.audience(request),
                limit=form.cleaned_data["limit"],
            )
        except (IndexUnusable, OSError):
            problem = "The index cannot be read here. The readiness check says why."
    context = {
        **admin.site.each_context(request),
        "title": "Playground",
        "form": form,
        "found": found,
        "problem": problem,
        "kept": [_Row(one) for one in found.candidates if not one.dropped] if found else [],
        "dropped": [_Row(one) for one in found.candidates if one.dropped] if found else [],
        "answers": found is not None and found.answerable >= found.threshold,
    }
    status = 400 if form.errors else 200
    return render(request, "knowledge/admin/playground.html", context, status=status)
