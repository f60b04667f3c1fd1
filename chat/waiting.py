"""Wait in a thread for an answer, wherever it is written, without a database connection."""

from functools import partial
from time import sleep
from uuid import UUID

from chat.runtime import runtime
from chat.watching import POLL_SECONDS, is_running
from core.handler import step_aside

PUT_AWAY_SECONDS = 0.02


def wait_for_answer(message_id: UUID) -> None:
    """Return once the answer has ended. It always does: a process that dies loses its lease."""
    step_aside()
    while True:
        run = runtime().find(message_id)
        if run is not None:
            run.wait(1.0)
            if run.is_finished:  # its readers were told; it is put away in a moment
                sleep(PUT_AWAY_SECONDS)
        elif not runtime().submit_rows(partial(is_running, message_id)).result():
            return
        else:
            sleep(POLL_SECONDS)
