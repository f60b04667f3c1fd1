"""Documents come, change and go while real workers are killed: database and index agree."""

import os
import random
import signal
import time

import pytest

from tests.faults.test_build_killed import drift, installation  # noqa: F401  (a fixture)
from tests.faults.test_worker_killed import SWEEP

pytestmark = [pytest.mark.faults, pytest.mark.model]

# Random orders, each in a transaction of its own as a page or a call gives them.
ORDERS = """
import random
from knowledge.models import Document
from knowledge.services import NewDocument, add_document, add_version, delete_document
chance = random.Random({seed})
def text(n):
    return "\\n\\n".join(f"# Part {{m}}\\n\\nRule {{n}}.{{m}} says that item{{n}} is kept dry." for m in range(8))
for n in range(6):
    known = list(Document.objects.order_by("pk"))
    order = chance.choice(["add", "add", "replace", "delete"]) if known else "add"
    number = {seed} * 100 + n
    if order == "add":
        add_document(NewDocument(title=f"Handbook {{number}}", content=text(number)), owner=None)
    elif order == "replace":
        add_version(chance.choice(known), text(number))
    else:
        delete_document(chance.choice(known))
"""  # noqa: E501
PAST = "2000-01-01 00:00:00"
# The minutes of every lease pass at once, and those of every pause.
LEASES = (
    f"UPDATE knowledge_documentversion SET lease_until = '{PAST}' WHERE lease_until IS NOT NULL",
    f"UPDATE knowledge_indexstate SET lease_until = '{PAST}', full_lease_until = '{PAST}'",
)
PAUSES = f"UPDATE knowledge_indexstate SET due_at = '{PAST}', full_due_at = '{PAST}'"
WAITING = (
    "SELECT count(*) FROM knowledge_documentversion WHERE state IN "
    "('queued', 'processing', 'embedded')"
)
KILLS = 6
SECONDS = 240.0


def test_it_is_zero_whenever_workers_are_killed(installation):  # noqa: F811
    chance = random.Random(11)
    for round_ in range(KILLS):
        worker = installation.start_worker()
        installation.manage("shell", "-v", "0", "-c", ORDERS.format(seed=round_))
        installation.manage("shell", "-v", "0", "-c", SWEEP)
        time.sleep(chance.uniform(0.0, 4.0))
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        found = drift(installation)
        assert found["zero"], found
        for statement in (*LEASES, PAUSES):
            installation.rows(statement)

    installation.start_worker()
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        installation.manage("shell", "-v", "0", "-c", SWEEP)
        found = drift(installation)
        assert found["zero"], found
        waits = installation.rows(WAITING) != [(0,)] or found["waiting"] or found["pending_erasure"]
        if not waits:
            break
        time.sleep(1)
        installation.rows(PAUSES)
    assert (found["waiting"], found["pending_erasure"]) == (0, 0), found
    assert installation.rows(WAITING) == [(0,)]
    # Those that a later version overtook are cancelled; nothing else is left over.
    assert installation.rows(
        "SELECT count(*) FROM knowledge_documentversion WHERE state = 'failed'"
    ) == [(0,)]
    ((chunks,),) = installation.rows(
        "SELECT count(*) FROM knowledge_chunk c JOIN knowledge_document d "
        "ON d.active_version_id = c.version_id"
    )
    assert found["checked"] == chunks > 0
