"""The Celery application: threads, ids only, and no result backend.

A message is a hint to look at a row now. Rows, leases and the sweep carry the work, so a lost
or doubled message changes nothing but the delay.
"""

import os

from celery import Celery
from kombu import transport

from core.native import limit_threads

limit_threads()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
transport.TRANSPORT_ALIASES["filesystem"] = "core.broker:Transport"

app = Celery("footnote")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(related_name="schedule")
