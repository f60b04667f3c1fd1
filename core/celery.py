"""The Celery application: threads, ids only, and no result backend.

A message is a hint to look at a row now. Rows, leases and the sweep carry the work, so a lost
or doubled message changes nothing but the delay.
"""

import os
import sys
import warnings
from pathlib import Path

from celery import Celery
from celery.exceptions import SecurityWarning
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from kombu import transport

from core.native import limit_threads

EX_CONFIG = 78  # sysexits.h: configuration error


def refuse_bad_settings() -> None:
    """Typed as `celery …`, say what is wrong in one line, as `manage.py` does."""
    program = Path(sys.argv[0])
    if "celery" not in {program.name, program.parent.name}:
        return
    try:
        _ = settings.SECRET_KEY
    except ImproperlyConfigured as error:
        sys.stderr.write(f"Footnote does not start: {error}\n")
        sys.exit(EX_CONFIG)


limit_threads()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
refuse_bad_settings()
# It warns of root because pickled messages run code; ours are JSON and no others are read.
warnings.filterwarnings("ignore", category=SecurityWarning)
transport.TRANSPORT_ALIASES["filesystem"] = "core.broker:Transport"

app = Celery("footnote")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(related_name="schedule")
