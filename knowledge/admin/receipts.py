"""Receipts of what was erased, and the door to emptying the knowledge base."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from core.errors import AppError
from core.staff import ReadOnly
from knowledge.admin import badges
from knowledge.admin.answers import sent_to
from knowledge.admin.badges import Badge
from knowledge.models import Receipt
from knowledge.services import empty_knowledge_base
from knowledge.services.emptying import CONFIRMATION, check_confirmation

_LIST = "admin:knowledge_receipt_changelist"


class EmptyingForm(BaseDialogForm):  # type: ignore[misc]  # unfold has no types
    """The typed confirmation."""

    confirmation = forms.CharField(
        label=f"Type “{CONFIRMATION}”", widget=UnfoldAdminTextInputWidget()
    )
    reason = forms.CharField(
        label="Why", required=False, max_length=500, widget=UnfoldAdminTextInputWidget()
    )

    def clean_confirmation(self) -> str:
        typed: str = self.cleaned_data["confirmation"]
        try:
            check_confirmation(typed)
        except AppError as error:
            raise forms.ValidationError(error.fields["confirmation"]) from error
        return typed


@admin.register(Receipt)
class ReceiptAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]  # unfold has no types
    list_display = ("what", "requested_at", "requested_by", "status", "reason")
    list_filter = ("kind",)
    list_select_related = ("requested_by",)
    list_before_template = "knowledge/admin/_receipts.html"
    fields = ("what", "requested_at", "requested_by", "reason", "status", "where", "files")
    readonly_fields = ("what", "status", "where", "files")
    actions_list = ("empty",)
    show_full_result_count = False

    @display(description="Erased")  # type: ignore[untyped-decorator]
    def what(self, receipt: Receipt) -> str:
        count = len(receipt.document_ids)
        if receipt.kind == Receipt.Kind.EVERYTHING:
            return f"Knowledge base emptied, {count} document{'s' if count != 1 else ''}"
        return f"Document {receipt.document_ids[0]}" if count == 1 else f"{count} documents"

    @display(description="State", ordering="completed_at")  # type: ignore[untyped-decorator]
    def status(self, receipt: Receipt) -> SafeString:
        if receipt.completed_at:
            badge = Badge("Gone everywhere", "is-good", "check")
        elif receipt.waits_for:
            builds = ", ".join(str(number) for number in receipt.waits_for)
            badge = Badge(
                "Out of answers", "is-care", "clock", f"Waits for build {builds} to leave the disk."
            )
        else:
            badge = Badge("Out of answers", "is-care", "clock", "Being cleared from the disk.")
        return badge.html()

    @display(description="Where and when")  # type: ignore[untyped-decorator]
    def where(self, receipt: Receipt) -> SafeString:
        places = [{**one, "at": badges.moment(one["at"])} for one in receipt.places]
        return render_to_string("knowledge/admin/_places.html", {"places": places})

    @display(description="Checksums of the files")  # type: ignore[untyped-decorator]
    def files(self, receipt: Receipt) -> SafeString:
        return render_to_string("knowledge/admin/_checksums.html", {"sums": receipt.sha256})

    @action(  # type: ignore[untyped-decorator]
        description="Empty the knowledge base",
        url_path="empty",
        icon="delete_forever",
        dialog={
            "title": "Empty the knowledge base",
            "description": "Every document leaves the answers at once and is then erased for good. "
            "Watched folders are switched off. There is no way back.",
            "form_class": EmptyingForm,
            "form_submit_text": "Erase every document",
        },
    )
    def empty(self, request: HttpRequest, form: Any) -> HttpResponse:
        try:
            receipt = empty_knowledge_base(
                request.user,  # type: ignore[arg-type]  # staff alone come here
                form.cleaned_data["confirmation"],
                form.cleaned_data["reason"],
            )
        except AppError as error:
            messages.error(request, f"Nothing was erased. {error.detail}")
            return sent_to(request, reverse(_LIST))
        messages.success(request, "No document answers any more. The receipt says how far it is.")
        return sent_to(request, reverse("admin:knowledge_receipt_change", args=[receipt.pk]))
