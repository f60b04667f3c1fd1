"""Messages to the workers: hints that may be lost, as the row is the queue."""

import logging

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def send_hint(task_name: str, *ids: int | str) -> None:
    """Ask a worker to look at a row now; a dead broker costs delay, never work.

    Call it from ``transaction.on_commit``: a worker must not look before the row is there.
    Arguments are ids only, never text.
    """
    try:
        current_app.send_task(task_name, args=ids, ignore_result=True)
    except (OperationalError, OSError) as error:
        logger.warning("broker not reached (%s); the sweep will find it", type(error).__name__)
