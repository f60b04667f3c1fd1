"""SQLite's connections are used again by the next thread, and only those that are as new."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection

from core.sqlite.base import DatabaseWrapper, Idle, idle

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some.sqlite3"
    sqlite3.connect(path).execute("CREATE TABLE things (name TEXT)").connection.close()
    return path


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    idle.close()
    yield
    idle.close()


def wrapper(path: Path) -> Any:
    settings = {**connection.settings_dict, "OPTIONS": {}, "NAME": str(path)}
    return DatabaseWrapper(settings, alias="other")


def in_a_thread(work: Callable[[], Any]) -> Any:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def opened(path: Path) -> sqlite3.Connection:
    """Use a connection in a thread of its own, and give it back."""
    one = wrapper(path)
    one.ensure_connection()
    raw: sqlite3.Connection = one.connection
    one.close()
    return raw


def test_another_thread_gets_the_connection_that_was_given_back(file: Path) -> None:
    first = in_a_thread(lambda: opened(file))
    assert in_a_thread(lambda: opened(file)) is first
    assert len(idle) == 1


def test_two_threads_at_a_time_have_a_connection_each(file: Path) -> None:
    one, other = wrapper(file), wrapper(file)
    one.ensure_connection()
    other.ensure_connection()
    assert one.connection is not other.connection
    one.close()
    other.close()


def test_a_connection_that_is_used_again_is_set_up_as_a_new_one(file: Path) -> None:
    opened(file)
    one = wrapper(file)
    with one.cursor() as cursor:
        assert cursor.execute("PRAGMA foreign_keys").fetchone() == (1,)
        assert cursor.execute("SELECT REGEXP('a+', 'baa')").fetchone() == (1,)
    assert one.get_autocommit()
    one.close()


def test_what_a_thread_left_open_is_undone(file: Path) -> None:
    one = wrapper(file)
    one.ensure_connection()
    raw = one.connection
    with one.cursor() as cursor:
        cursor.execute("BEGIN IMMEDIATE")
        cursor.execute("INSERT INTO things VALUES ('half')")
    one.close()
    assert len(idle) == 0
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        raw.execute("SELECT 1")
    assert sqlite3.connect(file).execute("SELECT count(*) FROM things").fetchone() == (0,)


def test_a_connection_that_failed_is_closed(file: Path) -> None:
    one = wrapper(file)
    with pytest.raises(DatabaseError), one.cursor() as cursor:
        cursor.execute("SELECT * FROM nowhere")
    one.close()
    assert len(idle) == 0


def test_a_connection_without_its_constraint_checks_is_closed(file: Path) -> None:
    one = wrapper(file)
    one.ensure_connection()
    one.disable_constraint_checking()
    one.close()
    assert len(idle) == 0


def test_another_file_at_the_same_path_is_opened_anew(file: Path, tmp_path: Path) -> None:
    first = opened(file)
    restored = tmp_path / "backup.sqlite3"
    sqlite3.connect(restored).execute("CREATE TABLE others (name TEXT)").connection.close()
    os.replace(restored, file)  # noqa: PTH105  (what a restore does)
    one = wrapper(file)
    with one.cursor() as cursor:
        cursor.execute("SELECT * FROM others")
    assert one.connection is not first
    one.close()


def test_no_more_than_a_few_are_kept(file: Path) -> None:
    kept = Idle(most=2)
    every = [sqlite3.connect(file) for _ in range(3)]
    assert [kept.give(str(file), one) for one in every] == [True, True, False]
    every[2].close()
    kept.close()
    for one in every:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            one.execute("SELECT 1")


@pytest.mark.django_db(transaction=True)
def test_the_site_uses_it() -> None:
    raws = [in_a_thread(opened_by_the_site) for _ in range(2)]
    assert (raws[0] is raws[1]) == (connection.vendor == "sqlite")


def opened_by_the_site() -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    raw = connection.connection
    connection.close()
    return raw
