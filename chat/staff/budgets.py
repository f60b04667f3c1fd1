"""Budgets of groups and of persons; the one of all together is a setting."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from chat.models import Budget


@admin.register(Budget)
class BudgetAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """For whoever was given the permission, as money is not every manager's to spend."""

    list_display = ("__str__", "group", "person", "daily_usd")
    list_select_related = ("group", "person")
    fields = ("group", "person", "daily_usd")
    autocomplete_fields = ("person",)
