"""The lists from which a question is put in other words."""

from django.contrib import admin
from unfold.admin import ModelAdmin
from unfold.decorators import display

from core.staff import ForStaff
from knowledge.models import ExpansionTerm

_SHOWN = 6


@admin.register(ExpansionTerm)
class ExpansionTermAdmin(ForStaff, ModelAdmin):  # type: ignore[misc]  # unfold has no types
    list_display = ("term", "kind", "said")
    list_filter = ("kind",)
    search_fields = ("term", "alternatives")
    list_before_template = "knowledge/admin/_words.html"
    fieldsets = (
        (
            None,
            {
                "fields": ("kind", "term", "alternatives"),
                "description": "With QUERY_EXPANSION=True questions are also searched in these "
                "words. One alternative a line.",
            },
        ),
    )

    @display(description="Alternatives")  # type: ignore[untyped-decorator]
    def said(self, term: ExpansionTerm) -> str:
        words = term.alternative_list
        more = len(words) - _SHOWN
        return ", ".join(words[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
