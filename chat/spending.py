"""Money: reserved before a call, settled after it. Each function is one short transaction.

A reservation is a conditional update of one sum for each budget that applies, so that however many
calls come at once, no budget is overdrawn. Who settles is whoever turns the call's row from
``running``; that happens once, and the sweep does it for a process that died.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, QuerySet, Sum
from django.db.models.functions import Now
from django.utils import timezone

from chat.generation.modelconfig import NANO, BudgetExhausted
from chat.ledger import Budget, CallOutcome, ModelCall, Spending
from chat.models import Message
from core.statements import NO_KEY, Marks, statement

EVERYONE = "all"
GRACE = timedelta(seconds=60)  # beyond the longest time of a call
KEPT_DAYS = 400  # calls: a year and a month, to compare with the same month of the year before


@dataclass(frozen=True)
class Order:
    """A call that is about to be made."""

    model: str
    purpose: str
    message_id: UUID | None
    tokens_in: int
    prompt_cost: Decimal  # of the prompt alone
    highest_cost: Decimal  # with the longest answer
    seconds: float
    user_id: int | None = None  # who pays where it is for no message


@dataclass(frozen=True)
class Receipt:
    """How a call went."""

    outcome: str
    tokens_in: int = 0
    tokens_out: int = 0
    is_estimated: bool = True
    cost: Decimal = Decimal(0)
    milliseconds: int = 0
    first_token_ms: int | None = None
    error: str = ""
    attempts: int = 1
    repeated_for: str = ""
    longest_gap_ms: int | None = None


def today(now: datetime | None = None) -> date:
    """The day in ``TIME_ZONE``, on which budgets count."""
    return (now or timezone.now()).astimezone(ZoneInfo(settings.TIME_ZONE)).date()


def reserve(order: Order) -> int:
    """Hold the money of a call; returns the id of its row.

    Raises:
        BudgetExhausted: a budget that applies has not that much left; nothing is held.
    """
    day = today()
    user_id = _payer(order)
    amount = nano(order.highest_cost)
    # What costs nothing is on no budget: there is nothing to hold and nothing to settle.
    limits = _limits(user_id) if amount else {}
    with transaction.atomic():
        _open(day, limits)
        for scope in sorted(limits):
            _hold(day, scope, amount, limits[scope])
        return ModelCall.objects.create(
            day=day,
            model=order.model,
            purpose=order.purpose,
            message_id=order.message_id,
            user_id=user_id,
            tokens_in=order.tokens_in,
            reserved_nano=amount,
            prompt_nano=nano(order.prompt_cost),
            scopes=sorted(limits),
            lease_until=ExpressionWrapper(
                Now() + timedelta(seconds=order.seconds) + GRACE, output_field=DateTimeField()
            ),
        ).pk


def settle(call_id: int, receipt: Receipt) -> bool:
    """Write what a call cost and free the rest; False where that was done already."""
    with transaction.atomic():
        running = ModelCall.objects.filter(pk=call_id, outcome=CallOutcome.RUNNING)
        changed = running.update(
            outcome=receipt.outcome,
            tokens_in=receipt.tokens_in,
            tokens_out=receipt.tokens_out,
            is_estimated=receipt.is_estimated,
            cost=receipt.cost,
            milliseconds=receipt.milliseconds,
            first_token_ms=receipt.first_token_ms,
            error=receipt.error[:200],
            attempts=receipt.attempts,
            repeated_for=receipt.repeated_for[:200],
            longest_gap_ms=receipt.longest_gap_ms,
            lease_until=None,
        )
        if changed:
            [(day, scopes, reserved)] = statement(("call",), _marked_call).rows(pk=call_id)
            _move((day, reserved), scopes, nano(receipt.cost))
    return bool(changed)


def release_lost() -> int:
    """Free what processes held that died; what their prompts cost counts as spent."""
    lost = list(
        ModelCall.objects.filter(outcome=CallOutcome.RUNNING, lease_until__lt=Now()).values_list(
            "pk", "tokens_in", "prompt_nano"
        )
    )
    receipts = {
        pk: Receipt(CallOutcome.LOST, tokens_in=tokens, cost=Decimal(prompt) * NANO)
        for pk, tokens, prompt in lost
    }
    return sum(settle(pk, receipt) for pk, receipt in receipts.items())


def forget_old(now: datetime) -> int:
    """Remove calls and sums that are older than 400 days."""
    before = today(now) - timedelta(days=KEPT_DAYS)
    Spending.objects.filter(day__lt=before).delete()
    return ModelCall.objects.filter(day__lt=before).delete()[0]


def nano(amount: Decimal) -> int:
    """US dollars as billionths."""
    return int((amount / NANO).to_integral_value(rounding="ROUND_UP"))


def _payer(order: Order) -> int | None:
    """Whose budgets a call counts on beside that of all together."""
    if order.message_id is None:
        people = get_user_model().objects.filter(pk=order.user_id or 0)
        return people.values_list("pk", flat=True).first()
    owners = statement(("payer",), _marked_payer).rows(message=order.message_id)
    return owners[0][0] if owners else None


def _marked_payer() -> tuple[QuerySet[Any, Any], Marks]:
    mark = UUID(int=NO_KEY)
    rows = Message.objects.filter(pk=mark).order_by()
    return rows.values_list("session__user_id"), {"message": mark}


def _limits(user_id: int | None) -> dict[str, int | None]:
    """The budgets that a call of this person counts on, with their limits; None has no limit."""
    limits = {EVERYONE: _nano_or_none(settings.DAILY_BUDGET_USD)}
    if user_id is None:
        return limits
    own = Budget.objects.filter(person=user_id).values_list("daily_usd", flat=True).first()
    limits[f"person:{user_id}"] = _nano_or_none(
        settings.DAILY_BUDGET_PERSON_USD if own is None else own
    )
    groups = Budget.objects.filter(group__user=user_id)
    for group_id, usd in groups.values_list("group_id", "daily_usd"):
        limits[f"group:{group_id}"] = nano(usd)
    return limits


def _nano_or_none(usd: Decimal | None) -> int | None:
    return None if usd is None else nano(usd)


def _open(day: date, scopes: Iterable[str]) -> None:
    """Make the day's sums where there are none yet, with what was spent before they counted."""
    known = set(
        Spending.objects.filter(day=day, scope__in=list(scopes)).values_list("scope", flat=True)
    )
    missing = [scope for scope in sorted(scopes) if scope not in known]
    if missing:
        rows = [Spending(day=day, scope=s, spent_nano=_spent_so_far(day, s)) for s in missing]
        Spending.objects.bulk_create(rows, ignore_conflicts=True)


def _spent_so_far(day: date, scope: str) -> int:
    calls = ModelCall.objects.filter(day=day).exclude(outcome=CallOutcome.RUNNING)
    kind, _, number = scope.partition(":")
    if kind == "person":
        calls = calls.filter(user_id=int(number))
    elif kind == "group":
        members = Group.objects.filter(pk=int(number)).values("user")
        calls = calls.filter(user_id__in=members)
    return nano(Decimal(str(calls.aggregate(total=Sum("cost"))["total"] or 0)))


def _hold(day: date, scope: str, amount: int, limit: int | None) -> None:
    held = Spending.objects.filter(day=day, scope=scope)
    if limit is not None:
        total = F("spent_nano") + F("reserved_nano")
        held = held.alias(total=total).filter(total__lte=limit - amount)
    if not held.update(reserved_nano=F("reserved_nano") + amount):
        raise BudgetExhausted(f"the budget {scope.partition(':')[0]} does not suffice")


def _marked_call() -> tuple[QuerySet[Any, Any], Marks]:
    rows = ModelCall.objects.filter(pk=NO_KEY).order_by()
    return rows.values_list("day", "scopes", "reserved_nano"), {"pk": NO_KEY}


def _move(held: tuple[date, int], scopes: Iterable[str], cost: int) -> None:
    """From reserved to spent, in the order in which it was reserved: no two wait for each other."""
    day, reserved = held
    for scope in scopes:
        Spending.objects.filter(day=day, scope=scope).update(
            reserved_nano=F("reserved_nano") - reserved,
            spent_nano=F("spent_nano") + cost,
        )
