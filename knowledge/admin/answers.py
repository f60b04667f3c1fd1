"""What an order of the admin answers: where it leads, and what became of it."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html

from knowledge.models import Document, Receipt
from knowledge.services import Outcome
from users.models import User


def sent_to(request: HttpRequest, url: str) -> HttpResponse:
    """A redirect that the theme's dialogs follow too."""
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)


def say(request: HttpRequest, queryset: QuerySet[Document], outcome: Outcome) -> None:
    """Messages about an order for several documents: each that did not follow, and how many did."""
    titles = dict(queryset.values_list("pk", "title"))
    for pk, sentence in outcome.refused.items():
        messages.warning(request, f"{titles.get(pk, pk)}: {sentence}")
    if outcome.done:
        count = len(outcome.done)
        messages.success(request, f"{count} document{'s' if count != 1 else ''} changed.")


def say_receipt(request: HttpRequest, receipt: Receipt | None) -> None:
    """A message that leads to the receipt of a deletion."""
    if receipt is not None:
        url = reverse("admin:knowledge_receipt_change", args=[receipt.pk])
        messages.info(request, format_html('<a href="{}">The receipt</a>', url))


def person(request: HttpRequest) -> User:
    """Who is at the desk."""
    assert isinstance(request.user, User)  # noqa: S101  (staff alone come here)
    return request.user
