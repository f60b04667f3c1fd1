"""The file broker: nothing is lost, nothing foreign ends a worker."""

import multiprocessing
import stat
import time
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection

from core import broker

MESSAGES = 400


def connect(root: Path) -> Connection:
    options = {
        "data_folder_in": str(root / "queue"),
        "data_folder_out": str(root / "queue"),
        "processed_folder": str(root / "processed"),
        "control_folder": str(root / "control"),
        "store_processed": True,
        "polling_interval": 0.01,
    }
    return Connection("filesystem://localhost", transport_options=options)  # ours, by core.celery


def produce(root: Path, first: int, count: int) -> None:
    with connect(root) as connection:
        queue = connection.SimpleQueue("work")
        for number in range(first, first + count):
            queue.put(number)


def consume(root: Path, found: Any, stop: Any) -> None:
    with connect(root) as connection:
        queue = connection.SimpleQueue("work")
        while True:
            try:
                message = queue.get(timeout=0.3)
            except Empty:
                if stop.is_set():
                    return
                continue
            found.put(message.payload)
            message.ack()


def test_two_consumers_get_every_message_of_a_producer_exactly_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    found, stop = context.Queue(), context.Event()
    consumers = [context.Process(target=consume, args=(tmp_path, found, stop)) for _ in range(2)]
    producer = context.Process(target=produce, args=(tmp_path, 0, MESSAGES))
    for process in (*consumers, producer):
        process.start()
    got = [found.get(timeout=30) for _ in range(MESSAGES)]
    stop.set()
    for process in (*consumers, producer):
        process.join(20)
        assert process.exitcode == 0
    assert sorted(got) == list(range(MESSAGES))
    assert found.empty()


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'"a word"',
        b"{}",
        b'{"body": "not base64!", "headers": {}, "properties": {"body_encoding": "base64"}}',
        b'{"body": "", "headers": {}, "properties": {"body_encoding": "rot13"}}',
        b'{"body": "", "headers": null, "properties": {"delivery_tag": 1, "delivery_info": {}}}',
    ],
)
def test_a_file_that_is_no_message_is_put_aside_and_the_next_one_is_read(
    tmp_path: Path, garbage: bytes
) -> None:
    with connect(tmp_path) as connection:
        queue = connection.SimpleQueue("work")
        (tmp_path / "queue" / "00_0.work.msg").write_bytes(garbage)
        queue.put("after the garbage")
        message = queue.get(timeout=2)
        assert message.payload == "after the garbage"
        message.ack()
    assert (tmp_path / "quarantine" / "00_0.work.msg").read_bytes() == garbage
    assert not list((tmp_path / "queue").iterdir())


def test_a_half_written_file_is_not_seen_by_readers(tmp_path: Path) -> None:
    with connect(tmp_path) as connection:
        queue = connection.SimpleQueue("work")
        (tmp_path / "queue" / ".00_0.work.msg.abc.tmp").write_bytes(b'{"bod')
        with pytest.raises(Empty):
            queue.get(timeout=0.2)


def test_messages_come_in_the_order_they_were_sent(tmp_path: Path) -> None:
    produce(tmp_path, 0, 30)
    with connect(tmp_path) as connection:
        queue = connection.SimpleQueue("work")
        assert [queue.get(timeout=2).payload for _ in range(30)] == list(range(30))


def test_a_damaged_table_of_bindings_is_made_anew(tmp_path: Path) -> None:
    produce(tmp_path, 0, 1)
    (table,) = (tmp_path / "control").glob("*.exchange")
    table.write_bytes(b"")
    produce(tmp_path, 1, 1)
    with connect(tmp_path) as connection:
        queue = connection.SimpleQueue("work")
        assert [queue.get(timeout=2).payload for _ in range(2)] == [0, 1]


def test_folders_and_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    produce(tmp_path, 0, 1)
    folders = [tmp_path / name for name in ("queue", "processed", "control", "quarantine")]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}
    (message,) = (tmp_path / "queue").iterdir()
    assert stat.S_IMODE(message.stat().st_mode) == 0o600


def test_cleaning_deletes_what_is_old_and_leaves_what_waits(tmp_path: Path) -> None:
    produce(tmp_path, 0, 2)
    with connect(tmp_path) as connection:
        connection.SimpleQueue("work").get(timeout=2).ack()
    (tmp_path / "queue" / ".x.work.msg.abc.tmp").touch()
    (tmp_path / "quarantine" / "odd.work.msg").touch()
    now = time.time()
    assert broker.clean(tmp_path, now) == 0
    assert broker.clean(tmp_path, now + broker.KEEP_READ_SECONDS + 60) == 2
    assert broker.clean(tmp_path, now + broker.KEEP_ODD_SECONDS + 60) == 1
    assert len(list((tmp_path / "queue").iterdir())) == 1


def test_bindings_of_earlier_workers_are_forgotten_and_messages_are_not(tmp_path: Path) -> None:
    produce(tmp_path, 0, 1)
    broker.forget_bindings(tmp_path)
    assert not list((tmp_path / "control").glob("*.exchange"))
    with connect(tmp_path) as connection:
        assert connection.SimpleQueue("work").get(timeout=2).payload == 0
