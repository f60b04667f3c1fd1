"""A real worker is killed in the middle of a document; another one finishes it."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.prepared import give_prepared_model

ROOT = Path(__file__).resolve().parents[2]
WORKER = (
    sys.executable, "-m", "celery", "-A", "core", "worker", "-P", "threads", "-c", "1",
    "--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "info",
)  # fmt: skip
# 160 parts, a chunk each: three batches to embed, so that there is a middle to die in.
RULES = " ".join(f"Rule {{n}}.{m} says that item{m} is kept dry." for m in range(5))
TEXT = "# Handbook\n\n" + "\n\n".join(f"## Part {n}\n\n" + RULES.format(n=n) for n in range(160))
ADD = """
import sys
from knowledge.services import NewDocument, add_document
add_document(NewDocument(title="Handbook", content=sys.stdin.read()), owner=None)
"""
SWEEP = "from knowledge.schedule import sweep; sweep()"


class Installation:
    """A DATA_DIR of its own with file SQLite and the file broker."""

    def __init__(self, folder):
        self.folder = folder
        give_prepared_model(folder)
        self.environment = {
            **os.environ,
            "DATA_DIR": str(folder),
            "DATABASE_URL": "",
            "REDIS_URL": "",
            "CELERY_BROKER_URL": "",
            "SECRET_KEY": "s" * 50,
            "ENV_FILE": "",
        }
        self.workers = []

    def manage(self, *arguments, text=""):
        subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.environment, input=text, text=True, check=True, timeout=120,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def start_worker(self):
        with (self.folder / "worker.log").open("a") as log:
            worker = subprocess.Popen(
                WORKER, cwd=ROOT, env=self.environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self.workers.append(worker)
        return worker

    def rows(self, statement):
        with closing(sqlite3.connect(self.folder / "db.sqlite3", timeout=20)) as database:
            found = database.execute(statement).fetchall()
            database.commit()
        return found

    def wait_for(self, statement, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.rows(statement):
                return
            time.sleep(0.1)
        log = (self.folder / "worker.log").read_text()[-3000:]
        pytest.fail(f"never came: {statement}\n{log}")

    def stop(self):
        for worker in self.workers:
            if worker.poll() is None:
                os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()


@pytest.fixture
def installation(tmp_path):
    made = Installation(tmp_path / "data")
    made.folder.mkdir(exist_ok=True)
    made.manage("migrate", "-v", "0")
    yield made
    made.stop()


@pytest.mark.model
def test_a_second_worker_finishes_what_a_killed_one_began(installation):
    first = installation.start_worker()
    installation.manage("shell", "-v", "0", "-c", ADD, text=TEXT)
    # In the middle: the chunks are stored, some vectors are, the rest is not.
    installation.wait_for("SELECT 1 FROM knowledge_embedding LIMIT 1", 120)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert installation.rows("SELECT state FROM knowledge_documentversion") == [("processing",)]
    embedded = installation.rows("SELECT count(*) FROM knowledge_embedding")[0][0]
    chunks = installation.rows("SELECT count(*) FROM knowledge_chunk")[0][0]
    assert 0 < embedded < chunks

    # The two minutes of the lease pass.
    installation.rows("UPDATE knowledge_documentversion SET lease_until = '2000-01-01 00:00:00'")
    installation.start_worker()
    installation.manage("shell", "-v", "0", "-c", SWEEP)
    installation.wait_for("SELECT 1 FROM knowledge_documentversion WHERE state = 'ready'", 240)
    ((count, distinct, declared),) = installation.rows(
        "SELECT count(*), count(DISTINCT ordinal), max(v.chunk_count) "
        "FROM knowledge_chunk c JOIN knowledge_documentversion v ON v.id = c.version_id"
    )
    assert count == distinct == declared == chunks
    assert installation.rows("SELECT vectors FROM knowledge_indexbuild WHERE state = 'active'") == [
        (count,)
    ]


SHORT = """
from knowledge.services import NewDocument, add_document
add_document(NewDocument(title="Note", content="# Note\\n\\nThe needleword."), owner=None)
"""
LONG = "# Handbook\n\n" + "\n\n".join(f"## Part {n}\n\n" + RULES.format(n=n) for n in range(5000))


@pytest.mark.faults
@pytest.mark.model
def test_an_upload_of_a_line_is_searchable_while_the_only_place_has_a_long_document(installation):
    installation.start_worker()
    installation.manage("shell", "-v", "0", "-c", ADD, text=LONG)
    installation.wait_for("SELECT 1 FROM knowledge_embedding LIMIT 1", 120)
    installation.manage("shell", "-v", "0", "-c", SHORT)
    installation.wait_for(
        "SELECT 1 FROM knowledge_documentversion v "
        "JOIN knowledge_document d ON d.id = v.document_id "
        "WHERE d.title = 'Note' AND v.state = 'ready'",
        120,
    )
    ((state, percent),) = installation.rows(
        "SELECT v.state, v.percent FROM knowledge_documentversion v JOIN knowledge_document d "
        "ON d.id = v.document_id WHERE d.title = 'Handbook'"
    )
    assert (state, 45 <= percent < 95) == ("processing", True)
