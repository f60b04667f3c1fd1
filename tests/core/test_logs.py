"""What reaches the terminal of whoever started the product."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.logs import JsonFormatter, WordlessFormatter

ROOT = Path(__file__).resolve().parents[2]
CODE = """
import logging, core.logs
core.logs.configure({"level": "INFO"})
logging.getLogger("uvicorn.error").info("Started server process")
logging.getLogger("uvicorn.error").error("went wrong")
logging.getLogger("uvicorn.error").info('%s - "WebSocket %s" [accepted]', "::1", "/ws/?secret")
"""


@pytest.mark.parametrize("supervised", ["", "1"])
def test_a_server_says_little_under_a_supervisor_and_never_hides_an_error(supervised: str) -> None:
    environment = {**os.environ, "FOOTNOTE_SUPERVISED": supervised}
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert "went wrong" in done.stderr
    assert ("Started server process" in done.stderr) is not bool(supervised)
    assert "secret" not in done.stderr


def test_a_row_that_a_database_refused_is_left_out_of_the_traceback() -> None:
    try:
        raise ValueError(
            'null value in column "text" of relation "chat_message"\n'
            "DETAIL:  Failing row contains (1, How much does Zanzibar\nearn?, null)."
        )
    except ValueError:
        record = logging.LogRecord("a", logging.ERROR, "b", 1, "broke", (), sys.exc_info())
    for formatter in (JsonFormatter(), WordlessFormatter()):
        line = formatter.format(record)
        assert "null value in column" in line
        assert "Zanzibar" not in line
        assert "earn" not in line
