"""What models cost: by day and model, and call by call."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from unfold.admin import ModelAdmin

from chat.generation.modelconfig import NANO
from chat.models import ModelCall, Spending
from chat.spending import EVERYONE, today
from core.staff import ReadOnly

PERIODS = (7, 30, 90)  # days
_WENT_WELL = (ModelCall.Outcome.DONE, ModelCall.Outcome.STOPPED, ModelCall.Outcome.RUNNING)


@dataclass(frozen=True)
class Today:
    """The budget of all together, in US dollars."""

    spent: Decimal
    reserved: Decimal
    limit: Decimal | None

    @property
    def percent(self) -> int:
        if not self.limit:
            return 0
        return min(100, round((self.spent + self.reserved) / self.limit * 100))


@admin.register(Spending)
class SpendingAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """The list is of days and models, not of the sums that hold the budgets."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            return HttpResponse(status=403)
        days = _period(request.GET.get("days", ""))
        rows = by_day_and_model(today() - timedelta(days=days - 1))
        context = {
            **self.admin_site.each_context(request),
            "title": "Spending on models",
            "opts": self.opts,
            "rows": rows,
            "total": sum((row["cost"] or Decimal(0) for row in rows), Decimal(0)),
            "today": _today(),
            "days": days,
            "periods": PERIODS,
        }
        return render(request, "chat/admin/spending.html", context)


@admin.register(ModelCall)
class ModelCallAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """Single calls; whose they were is not shown."""

    list_display = (
        "created_at",
        "model",
        "purpose",
        "outcome",
        "tokens_in",
        "tokens_out",
        "cost",
        "milliseconds",
    )
    list_filter = ("day", "model", "purpose", "outcome")
    fields = (*list_display, "first_token_ms", "is_estimated", "error", "message")
    show_full_result_count = False


def by_day_and_model(since: date) -> list[dict[str, Any]]:
    """Calls, tokens and US dollars, the latest day first and its dearest model first."""
    rows = (
        ModelCall.objects.filter(day__gte=since)
        .order_by()
        .values("day", "model")
        .annotate(
            calls=Count("pk"),
            failed=Count("pk", filter=~Q(outcome__in=_WENT_WELL)),
            tokens_read=Sum("tokens_in"),
            tokens_written=Sum("tokens_out"),
            cost=Sum("cost"),
        )
        .order_by("-day", "-cost", "model")
    )
    return [dict(row) for row in rows]


def _today() -> Today:
    row = Spending.objects.filter(day=today(), scope=EVERYONE).first()
    spent, reserved = (row.spent_nano, row.reserved_nano) if row else (0, 0)
    return Today(spent * NANO, reserved * NANO, settings.DAILY_BUDGET_USD)


def _period(text: str) -> int:
    return int(text) if text in {str(days) for days in PERIODS} else PERIODS[1]
