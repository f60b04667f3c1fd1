"""``GET /metrics``: what a monitoring system wants to know, as Prometheus reads it.

Every figure is counted from rows when it is asked for, so that it is the same whichever web process
answers, and right after a restart. A source is a callable without arguments named in
``settings.METRICS``; it yields prometheus_client's families.
"""

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.utils.module_loading import import_string
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from core import health

__all__ = ["CONTENT_TYPE", "gauge", "health_parts", "text"]

logger = logging.getLogger(__name__)

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
CACHED_SECONDS = 5.0  # else whoever asks often enough makes the database count as often
_STATES = {"ok": 0, "degraded": 1, "failed": 2}


class _Cache:
    """The last text of this process; one thread at a time makes a new one."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.text = b""
        self.taken_at = -CACHED_SECONDS


_cache = _Cache()


class _Sources(Collector):
    def collect(self) -> Iterable[Metric]:
        """All families. A source that the database fails is left out; ``footnote_up`` says so."""
        lacking = 0
        for path in settings.METRICS:
            try:
                yield from list(import_string(path)())
            except DatabaseError:
                logger.exception("the figures of %s could not be counted", path)
                lacking += 1
        yield gauge("footnote_up", "1 where every figure could be counted.", {(): not lacking})


def text() -> bytes:
    """The figures in Prometheus's text format, at most five seconds old."""
    with _cache.lock:
        if time.monotonic() - _cache.taken_at >= CACHED_SECONDS:
            registry = CollectorRegistry(auto_describe=False)
            registry.register(_Sources())
            _cache.text = generate_latest(registry)
            _cache.taken_at = time.monotonic()
        return _cache.text


def forget() -> None:
    """Drop what is cached (tests)."""
    with _cache.lock:
        _cache.taken_at = -CACHED_SECONDS


def gauge(
    name: str, says: str, values: Mapping[Any, float], labels: tuple[str, ...] = ()
) -> GaugeMetricFamily:
    """A family of figures by the values of its labels; of one figure without any by ``()``."""
    family = GaugeMetricFamily(name, says, labels=labels)
    for of, value in values.items():
        family.add_metric(of, float(value))
    return family


def health_parts() -> Iterator[Metric]:
    """Each part of the readiness report."""
    parts = health.report().parts
    states = {(name,): _STATES[part["status"]] for name, part in parts.items()}
    says = "A part of the installation: 0 is ok, 1 is degraded, 2 is failed."
    yield gauge("footnote_health", says, states, ("part",))
