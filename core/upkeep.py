"""What the sweep does for the machine below: the log of the database, the broker's folders."""

from datetime import time

from django.conf import settings
from django.db import connection

from core import broker
from core.periods import run_daily

CHECKPOINT_AT = time(3, 0)


def checkpoint_sqlite() -> dict[str, int]:
    """Fold SQLite's write-ahead log into the database file and cut it to nothing.

    Returns:
        ``busy`` is 1 where a reader kept it from being cut; ``pages`` is how many it held.
    """
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        busy, pages, _ = cursor.fetchone()
    return {"busy": busy, "pages": pages}


def sweep() -> dict[str, int]:
    """Clean up and return counts."""
    if settings.USES_SQLITE:
        run_daily("checkpoint_sqlite", CHECKPOINT_AT, checkpoint_sqlite)
    files = broker.clean(settings.BROKER_DIR) if settings.USES_FILE_BROKER else 0
    return {"broker_files": files}
