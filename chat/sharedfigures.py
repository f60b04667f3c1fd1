"""Figures about answers that were given again, for a monitoring system."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count
from django.utils import timezone
from prometheus_client.core import Metric

from chat.models import Message
from chat.sharing import HIT, MISS
from core.metrics import gauge

_DAY = timedelta(hours=24)


def collect() -> Iterator[Metric]:
    """How many questions of the last day found an earlier answer, and how many did not."""
    since = timezone.now() - _DAY
    rows = Message.objects.filter(cache__in=(HIT, MISS), created_at__gt=since)
    counted = dict(rows.order_by().values_list("cache").annotate(Count("pk")))
    found = {(result,): counted.get(result, 0) for result in (HIT, MISS)}
    says = "Questions of the last 24 hours that an earlier answer was looked for, by result."
    yield gauge("footnote_answer_cache", says, found, ("result",))
