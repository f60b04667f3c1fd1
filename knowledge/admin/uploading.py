"""Many files at once: dropped on a page, sent one by one, each with what became of it."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from unfold.widgets import UnfoldAdminSelectMultipleWidget, UnfoldAdminSelectWidget

from core.errors import AppError
from knowledge import catalogue
from knowledge.admin import badges
from knowledge.admin.uploads import new_file
from knowledge.ingestion.sniffing import SUPPORTED
from knowledge.models import Document
from knowledge.services import NewDocument, add_document
from users.models import User

_IN_SIGHT = 200  # documents that one question for news may name
_NO_FILE = "No file came with this request."


class SharedForm(forms.Form):
    """What holds for all files of one drop."""

    document_type = forms.ChoiceField(
        label="Type", choices=Document.Type.choices, initial=Document.Type.OTHER,
        widget=UnfoldAdminSelectWidget(),
    )  # fmt: skip
    groups = forms.ModelMultipleChoiceField(
        Group.objects.order_by("name"),
        required=False,
        label="Only these groups may read them",
        widget=UnfoldAdminSelectMultipleWidget(),
    )


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The page that files are dropped on. Without script its plain form adds them too."""
    context = {
        **admin.site.each_context(request),
        "title": "Add files",
        "form": SharedForm(),
        "accepted": ",".join(f".{extension}" for extension in SUPPORTED),
        "limit_mb": settings.MAX_UPLOAD_MB,
    }
    return render(request, "knowledge/admin/files.html", context)


@require_POST
def take(request: HttpRequest) -> JsonResponse:
    """One file of a drop, as a document; what is wrong with it is said, and the others go on."""
    form = SharedForm(request.POST)
    file = request.FILES.get("file")
    if file is None:
        return JsonResponse({"detail": _NO_FILE}, status=400)
    if not form.is_valid():
        sentences = [str(s) for errors in form.errors.values() for s in errors]
        return JsonResponse({"detail": " ".join(sentences)}, status=400)
    assert isinstance(request.user, User)  # noqa: S101  (staff alone come here)
    try:
        document = add_document(_document(form, file), request.user)
    except AppError as error:
        found = [s for texts in error.fields.values() for s in texts]
        return JsonResponse({"detail": " ".join(found or [error.detail])}, status=error.status)
    url = reverse("admin:knowledge_document_change", args=[document.pk])
    return JsonResponse({"id": document.pk, "title": document.title, "url": url}, status=201)


def _document(form: SharedForm, file: Any) -> NewDocument:
    return NewDocument(
        file=new_file(file),
        document_type=form.cleaned_data["document_type"],
        groups=tuple(group.name for group in form.cleaned_data["groups"]),
    )


@require_safe
def states(request: HttpRequest) -> JsonResponse:
    """The states of some documents as the list shows them, by id; unknown ids are left out."""
    given = request.GET.get("ids", "").split(",")[:_IN_SIGHT]
    ids = [int(one) for one in given if one.isascii() and one.isdigit() and len(one) < 19]
    found = catalogue.documents().select_related("superseded_by").filter(pk__in=ids)
    return JsonResponse(
        {
            str(document.pk): badges.live(document, document.newest_versions[0])  # type: ignore[attr-defined]
            for document in found
        }
    )
