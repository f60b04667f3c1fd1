"""A real process is killed while it builds the index, again and again at other moments."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.faults.test_worker_killed import ROOT, Installation

ADD = """
from knowledge import indexing
from knowledge.services import NewDocument, add_document, request_rebuild
for n in range({number}, {number} + 20):
    text = "# Handbook %d\\n\\nRule %d says that item%d is kept dry." % (n, n, n)
    add_document(NewDocument(title="Handbook %d" % n, content=text), owner=None)
for pk in indexing.due_version_ids(1000):
    indexing.process_version(pk)
{rebuild}
"""
pytestmark = [pytest.mark.faults, pytest.mark.model]

PAST = "2000-01-01 00:00:00"
LEASES = f"""
UPDATE knowledge_indexstate SET lease_until = '{PAST}', full_lease_until = '{PAST}',
    due_at = '{PAST}', full_due_at = '{PAST}'
"""


@pytest.fixture
def installation(tmp_path):
    made = Installation(tmp_path / "data")
    made.folder.mkdir(exist_ok=True)
    made.manage("migrate", "-v", "0")
    yield made
    made.stop()


def start_build(installation):
    return subprocess.Popen(
        [sys.executable, "manage.py", "build_index"],
        cwd=ROOT, env=installation.environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def drift(installation):
    checked = subprocess.run(
        [sys.executable, "manage.py", "check_index", "--json"],
        cwd=ROOT, env=installation.environment, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    return json.loads(checked.stdout.splitlines()[-1])


def add(installation, number, rebuild=""):
    installation.manage("shell", "-v", "0", "-c", ADD.format(number=number, rebuild=rebuild))


def ready(installation):
    ((count,),) = installation.rows(
        "SELECT count(*) FROM knowledge_documentversion WHERE state = 'ready'"
    )
    return count


def test_a_build_killed_at_any_moment_leaves_a_whole_one(installation):
    add(installation, 0)
    began = time.monotonic()
    assert start_build(installation).wait(120) == 0
    took = time.monotonic() - began
    assert ready(installation) == 20

    for number, share in enumerate((0.4, 0.55, 0.7, 0.8, 0.9, 0.97), 1):
        # Now an extension, now a full build.
        add(installation, 20 * number, "request_rebuild()" if number % 2 else "")
        before = ready(installation)
        build = start_build(installation)
        time.sleep(took * share)
        os.killpg(build.pid, signal.SIGKILL)
        build.wait()
        assert installation.rows(
            "SELECT count(*) FROM knowledge_indexbuild WHERE state = 'active'"
        ) == [(1,)]
        assert ready(installation) in (before, 20 * (number + 1))
        found = drift(installation)
        assert found["zero"], found
        installation.rows(LEASES)

    assert start_build(installation).wait(120) == 0
    assert ready(installation) == 140
    found = drift(installation)
    assert (found["zero"], found["waiting"]) == (True, 0)
    folders = {path.name for path in (installation.folder / "index").glob("build-*")}
    kept = installation.rows(
        "SELECT folder FROM knowledge_indexbuild WHERE state IN ('active', 'kept', 'refused')"
    )
    assert folders == {folder for (folder,) in kept}
