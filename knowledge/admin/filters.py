"""Filters of the list of documents: their state, and what a manager should look at."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from knowledge import catalogue
from knowledge.models import VersionState


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("pending", "Being read"),
            (VersionState.READY, "Searchable"),
            (VersionState.FAILED, "Failed"),
            (VersionState.CANCELLED, "Cancelled"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "pending":
            return queryset.filter(newest_state__in=catalogue.PENDING)
        return queryset.filter(newest_state=self.value()) if self.value() else queryset


class ConditionFilter(admin.SimpleListFilter):
    title = "what to look at"
    parameter_name = "look"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("incomplete", "Not wholly read"),
            ("orders", "Speaks to an assistant"),
            ("hidden", "Hides text"),
            ("review", "Review is due"),
            ("expired", "Expired"),
            ("coming", "Not yet in effect"),
            ("superseded", "Superseded"),
            ("same", "Same content as another"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        today = timezone.localdate()
        conditions = {
            "incomplete": Q(active_version__is_complete=False),
            "orders": Q(active_version__isnull=False) & ~Q(active_version__orders=[]),
            "hidden": Q(active_version__isnull=False) & ~Q(active_version__hides=[]),
            "review": Q(review_by__lt=today),
            "expired": Q(expires_on__lt=today),
            "coming": Q(effective_from__gt=today),
            "superseded": Q(superseded_by__isnull=False),
            "same": Q(same_as__isnull=False),
        }
        chosen = conditions.get(self.value() or "")
        return queryset.filter(chosen) if chosen is not None else queryset
