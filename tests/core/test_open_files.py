"""A server may hold as many streams as its machine allows."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")

ASK = """
import resource
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(64, hard), min(4096, hard)))
from core.native import allow_files
print(allow_files(), *resource.getrlimit(resource.RLIMIT_NOFILE), min(4096, hard))
"""


def test_the_limit_of_open_files_is_raised_to_what_the_system_allows() -> None:
    done = subprocess.run([sys.executable, "-c", ASK], text=True, capture_output=True, check=True)
    told, soft, hard, most = map(int, done.stdout.split())
    assert told == soft == hard == most
