"""Rate limits as rows: exact across processes, the same at every door.

A rate is ``"10/min,50/day"``. Windows are fixed and begin at multiples of their length, so that a
clock set back does not freeze a caller for longer than one window.
"""

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from core.errors import Throttled
from core.models import RateWindow

_SECONDS = {"s": 1, "sec": 1, "min": 60, "m": 60, "hour": 3600, "h": 3600, "day": 86400, "d": 86400}


@dataclass(frozen=True)
class Rate:
    limit: int
    seconds: int


def parse_rates(text: str) -> tuple[Rate, ...]:
    """``"10/min,50/day"`` as rates; an empty text is no limit.

    Raises:
        ValueError: a part is not ``count/period``.
    """
    rates = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        count, _, period = part.partition("/")
        if period not in _SECONDS or not count.isdigit():
            raise ValueError(f"not a rate: {part!r}")
        rates.append(Rate(int(count), _SECONDS[period]))
    return tuple(rates)


def _window(now: datetime, seconds: int) -> tuple[datetime, datetime]:
    start = now - timedelta(
        seconds=now.timestamp() % seconds,
    )
    start = start.replace(microsecond=0)
    return start, start + timedelta(seconds=seconds)


def _count(key: str, rate: Rate, now: datetime) -> int:
    """Count one use and return how many there were in this window, this one included."""
    starts_at, ends_at = _window(now, rate.seconds)
    row = {"key": f"{key}:{rate.seconds}"[:200], "starts_at": starts_at}
    if not RateWindow.objects.filter(**row).update(count=F("count") + 1):
        try:
            with transaction.atomic():
                RateWindow.objects.create(**row, ends_at=ends_at, count=1)
        except IntegrityError:
            RateWindow.objects.filter(**row).update(count=F("count") + 1)
    return RateWindow.objects.values_list("count", flat=True).get(**row)


def take(name: str, who: str, *, now: datetime | None = None) -> None:
    """Count one use of the named limit by a caller.

    Args:
        name: a key of ``settings.RATES``.
        who: an identifier without personal data in clear (see ``address_key``).
        now: the time, for tests.

    Raises:
        Throttled: a window is full; it carries the seconds until that window ends.
    """
    now = now or timezone.now()
    for rate in parse_rates(settings.RATES.get(name, "")):
        if _count(f"{name}:{who}", rate, now) > rate.limit:
            _, ends_at = _window(now, rate.seconds)
            raise Throttled(max(1, ceil((ends_at - now).total_seconds())))


def client_address(request: HttpRequest | Request) -> str:
    """The caller's address, looking behind exactly ``TRUSTED_PROXY_COUNT`` proxies."""
    remote = str(request.META.get("REMOTE_ADDR", ""))
    proxies = int(settings.TRUSTED_PROXY_COUNT)
    forwarded: list[str] = [
        p.strip() for p in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if p
    ]
    if not proxies or not forwarded:
        return remote
    return forwarded[-min(proxies, len(forwarded))]


def address_key(address: str) -> str:
    """An address as a key: IPv6 by its /64, hashed, as a row must not name a person."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        parsed = None
    if isinstance(parsed, ipaddress.IPv6Address):
        address = str(ipaddress.ip_network((parsed, 64), strict=False))
    keyed = f"{settings.SECRET_KEY}:{address}".encode()
    return hashlib.blake2b(keyed, digest_size=12).hexdigest()


class NamedThrottle(BaseThrottle):
    """A DRF throttle by address; a view names its limit in ``rate_name``."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        name: Any = getattr(view, "rate_name", "")
        if name:
            take(name, address_key(client_address(request)))
        return True
