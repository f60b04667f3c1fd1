"""Figures about models and answers, for a monitoring system; all of the day that it is.

Calls are rows that nobody removes on their day, so their counts only grow until midnight in
``TIME_ZONE``, which a monitoring system reads as a counter that began anew. Answers can be deleted
by their readers: their counts are what is there now. Each query reads one day by its index.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.db.models import Count, Q, Sum
from django.db.models.functions import Now
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from chat.conf import models
from chat.generation.modelconfig import NANO
from chat.ledger import Budget, CallOutcome, ModelCall, Spending
from chat.models import Message, Trace
from chat.resting import resting
from chat.spending import EVERYONE, today
from core.metrics import gauge

# Seconds; the middle ones are where hosted models answer, the last is the usual time-out.
FIRST_TOKEN_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
_VERDICTS = ("supported", "partly", "unsupported", "unknown")


def collect() -> Iterator[Metric]:
    """Calls, tokens, money, breakers, budgets and answers."""
    yield from _calls()
    yield from _first_tokens()
    yield from _running()
    yield from _breakers()
    yield from _budgets()
    yield from _answers()


def _calls() -> Iterator[Metric]:
    rows: Any = (
        ModelCall.objects.filter(day=today())
        .exclude(outcome=CallOutcome.RUNNING)
        .order_by()
        .values_list("model", "purpose", "outcome")
        .annotate(
            calls=Count("pk"),
            read=Sum("tokens_in"),
            written=Sum("tokens_out"),
            cost=Sum("cost"),
            attempts=Sum("attempts"),
        )
    )
    found = list(rows)
    labels = ("model", "purpose", "outcome")
    calls = CounterMetricFamily(
        "footnote_model_calls", "Calls of models today that have ended.", labels=labels
    )
    attempts = CounterMetricFamily(
        "footnote_model_repeats", "Requests of today that were sent again.", labels=labels
    )
    tokens = CounterMetricFamily(
        "footnote_model_tokens", "Tokens of today.", labels=("model", "purpose", "direction")
    )
    cost = CounterMetricFamily(
        "footnote_model_cost_usd", "US dollars of today.", labels=("model", "purpose")
    )
    spent: dict[tuple[str, str], list[float]] = {}
    for model, purpose, outcome, count, read, written, usd, tries in found:
        calls.add_metric((model, purpose, outcome), count)
        attempts.add_metric((model, purpose, outcome), tries - count)
        so_far = spent.setdefault((model, purpose), [0.0, 0.0, 0.0])
        for at, value in enumerate((read, written, usd)):
            so_far[at] += float(value or 0)
    for (model, purpose), (read, written, usd) in spent.items():
        tokens.add_metric((model, purpose, "in"), read)
        tokens.add_metric((model, purpose, "out"), written)
        cost.add_metric((model, purpose), usd)
    yield from (calls, attempts, tokens, cost)


def _first_tokens() -> Iterator[Metric]:
    """Until the first token of answers: one query, a column for each bucket."""
    limits = {f"le_{at}": seconds * 1000 for at, seconds in enumerate(FIRST_TOKEN_SECONDS)}
    buckets: Mapping[str, Any] = {
        name: Count("pk", filter=Q(first_token_ms__lte=limit)) for name, limit in limits.items()
    }
    rows: Any = (
        ModelCall.objects.filter(day=today(), purpose="answer", first_token_ms__isnull=False)
        .order_by()
        .values("model")
        .annotate(all=Count("pk"), total=Sum("first_token_ms"), **buckets)
    )
    family = HistogramMetricFamily(
        "footnote_model_first_token_seconds",
        "Until the first token of an answer, of today.",
        labels=("model",),
    )
    for row in rows:
        counted = [
            (str(seconds), float(row[f"le_{at}"])) for at, seconds in enumerate(FIRST_TOKEN_SECONDS)
        ]
        counted.append(("+Inf", float(row["all"])))
        family.add_metric((row["model"],), counted, row["total"] / 1000)
    yield family


def _running() -> Iterator[Metric]:
    """What goes on now in all processes; what a process left that died does not count."""
    now = {config.name: 0 for config in models()}
    calls = ModelCall.objects.filter(outcome=CallOutcome.RUNNING, lease_until__gt=Now())
    now |= dict(calls.order_by().values_list("model").annotate(Count("pk")))
    says = "Calls of a model that run now, in all processes."
    yield gauge("footnote_model_calls_running", says, {(m,): n for m, n in now.items()}, ("model",))
    answers = Message.objects.filter(state=Message.State.RUNNING, lease_until__gt=Now()).count()
    yield gauge("footnote_answers_running", "Answers that are being written now.", {(): answers})


def _breakers() -> Iterator[Metric]:
    found = {(config.name, state): 0 for config in models() for state in ("open", "half_open")}
    says = "Processes that leave a model alone (open), or are about to try it (half_open)."
    yield gauge("footnote_model_breakers", says, {**found, **resting()}, ("model", "state"))


def _budgets() -> Iterator[Metric]:
    """Of all together and of groups; those of persons are theirs, and too many."""
    names = {f"group:{pk}": name for pk, name in Group.objects.values_list("pk", "name")}
    limits: dict[tuple[str, ...], float] = {
        (names[f"group:{group}"],): float(usd)
        for group, usd in Budget.objects.filter(group__isnull=False).values_list(
            "group_id", "daily_usd"
        )
    }
    if settings.DAILY_BUDGET_USD is not None:
        limits["all",] = float(settings.DAILY_BUDGET_USD)
    spent: dict[tuple[str, ...], float] = dict.fromkeys(limits, 0.0)
    held: dict[tuple[str, ...], float] = dict.fromkeys(limits, 0.0)
    rows = Spending.objects.filter(day=today(), scope__in=[EVERYONE, *names])
    for scope, used, reserved in rows.values_list("scope", "spent_nano", "reserved_nano"):
        label = (names.get(scope, scope),)
        spent[label], held[label] = float(used * NANO), float(reserved * NANO)
    of = ("scope",)
    yield gauge("footnote_budget_limit_usd", "US dollars that may be spent today.", limits, of)
    yield gauge("footnote_budget_spent_usd", "US dollars that were spent today.", spent, of)
    yield gauge("footnote_budget_reserved_usd", "US dollars held for calls that run.", held, of)


def _answers() -> Iterator[Metric]:
    sums = {name: Sum(name) for name in _VERDICTS}
    rows: list[Any] = list(
        Trace.objects.filter(day=today())
        .order_by()
        .values("message__state", "message__outcome")
        .annotate(answers=Count("pk"), **sums)
    )
    counts: dict[tuple[str, str], int] = {}
    verdicts = dict.fromkeys(_VERDICTS, 0)
    for row in rows:
        state = row["message__state"]
        key = (state, row["message__outcome"] or "" if state == Message.State.DONE else "")
        counts[key] = counts.get(key, 0) + row["answers"]
        for name in _VERDICTS:
            verdicts[name] += row[name] or 0
    labels = ("state", "outcome")
    yield gauge("footnote_answers_today", "Answers of today by how they ended.", counts, labels)
    done = sum(n for (state, _), n in counts.items() if state == Message.State.DONE)
    absent = counts.get((Message.State.DONE, Message.Outcome.NOT_FOUND), 0)
    says = "Share of today's finished answers that found nothing; 0 where there are none."
    yield gauge("footnote_answers_not_found_ratio", says, {(): absent / done if done else 0.0})
    said = {(name,): count for name, count in verdicts.items()}
    says = "Sentences of today's answers by what the check found."
    yield gauge("footnote_sentences_today", says, said, ("support",))
