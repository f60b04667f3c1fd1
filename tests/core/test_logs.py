"""What reaches the terminal of whoever started the product."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = """
import logging, core.logs
core.logs.configure({"level": "INFO"})
logging.getLogger("uvicorn.error").info("Started server process")
logging.getLogger("uvicorn.error").error("went wrong")
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
