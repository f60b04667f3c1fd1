"""``manage.py up``: the whole product as one foreground process."""

import os
import signal
import socket
import sys
import threading
import time
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, SystemCheckError
from django.db import DatabaseError, OperationalError, connections
from watchfiles import PythonFilter, watch

from core import starting
from core.entrance import new_board
from core.hosting import PortTaken, listen
from core.supervisor import TURN_SECONDS, Program, Supervisor

ROLES = ("web", "worker", "beat")
WORKER_NICENESS = 10  # answers before indexing
EX_CONFIG = 78
PROGRESS_SECONDS = 2.0
_COLOURS = {"web": "36", "worker": "33", "beat": "35", "docs": "34", "footnote": "32"}
_WORKER_OPTIONS = ("--without-gossip", "--without-mingle", "--without-heartbeat")


class Command(BaseCommand):
    help = "Start web, worker and beat together; Ctrl-C stops all of them."
    requires_system_checks: list[str] = []  # they are part of the start, with an exit status

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reload", action="store_true", help="restart on a change of code")
        parser.add_argument("--only", choices=ROLES, help="one part, for a container of its own")
        parser.add_argument("--prepare", action="store_true", help="prepare, start nothing")
        parser.add_argument("--no-docs", action="store_true", help="do not load docs/ at first")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare, run until a signal, and leave nothing behind."""
        role = options["only"] or "all"
        self._labelled = role == "all"
        try:
            with ExitStack() as stack:
                stack.enter_context(starting.sole_use(settings.DATA_DIR, role))
                listener = None
                if role in {"all", "web"} and not options["prepare"]:
                    listener = stack.enter_context(listen(settings.HOST, settings.PORT))
                self._prepare(is_needed=role == "all")
                if options["prepare"]:
                    starting.load_first_documents(self._say)
                else:
                    self._run(listener, options)
        except (starting.AlreadyRuns, PortTaken) as error:
            raise CommandError(str(error)) from error
        except OperationalError as error:
            raise CommandError(
                "The database cannot be reached or used: look at DATABASE_URL and its server "
                f"({type(error.__cause__ or error).__name__})."
            ) from error

    def _prepare(self, *, is_needed: bool) -> None:
        try:
            self.check()
        except SystemCheckError as error:
            raise CommandError(str(error), returncode=EX_CONFIG) from error
        if is_needed:
            starting.prepare(self._say)

    def _run(self, listener: socket.socket | None, options: dict[str, Any]) -> None:
        if self._labelled or sys.stdout.isatty():
            os.environ["FOOTNOTE_SUPERVISED"] = "1"  # lines for people; see core.logs
        loads_docs = self._labelled and not options["no_docs"] and starting.wants_first_documents()
        connections.close_all()
        watcher = _Watcher(self._say)
        programs = _programs(options["only"], listener, loads_docs=loads_docs)
        supervisor = Supervisor(programs, self._write_line, lambda: watcher.look(supervisor))

        def stop(number: int, frame: FrameType | None) -> None:
            supervisor.stop()
            if listener:
                listener.close()  # callers are refused at once, not kept waiting

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, stop)
        watcher.begin(reloads=options["reload"], awaits_web=listener is not None)
        if loads_docs:
            self._say("Loading docs/ as the first documents; questions can be asked meanwhile")
            watcher.follow_documents()
        supervisor.run()
        self._say("Stopped.")

    def _say(self, line: str) -> None:
        self._write_line("footnote", line)

    def _write_line(self, label: str, line: str) -> None:
        if not self._labelled:
            self.stdout.write(line)
            return
        head = f"{label:<8} |"
        if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
            head = f"\033[{_COLOURS.get(label, '0')}m{head}\033[0m"
        self.stdout.write(f"{head} {line}")
        self.stdout.flush()


def _programs(
    only: str | None, listener: socket.socket | None, *, loads_docs: bool
) -> list[Program]:
    python = sys.executable
    celery = (python, "-m", "celery", "-q", "-A", "core")
    level = ("-l", settings.LOG_LEVEL)
    made = []
    if listener:
        fds = (listener.fileno(), new_board(settings.WEB_CONCURRENCY))
        web = (python, "-m", "core.hosting", *map(str, fds))
        made += [
            Program("web", (*web, str(slot)), fds=fds) for slot in range(settings.WEB_CONCURRENCY)
        ]
    if only in {None, "worker"}:
        command = (*celery, "worker", "-n", "footnote@%h", *_WORKER_OPTIONS, *level)
        made.append(Program("worker", command, niceness=WORKER_NICENESS))
    if only in {None, "beat"}:
        made.append(Program("beat", (*celery, "beat", *level)))
    if loads_docs:
        made.append(_docs_program())
    return made


def _docs_program() -> Program:
    return Program(
        "docs",
        (sys.executable, "manage.py", "load_docs", "docs"),
        niceness=WORKER_NICENESS,
        is_once=True,
        on_end=starting.note_first_documents,
    )


class _Watcher:
    """Looks, once a turn of the supervisor, at what threads and the database have to say."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._is_up = threading.Event()
        self._has_changed = threading.Event()
        self._progress: tuple[int, int] | None = None
        self._is_following = False
        self._next_look = 0.0

    def begin(self, *, reloads: bool, awaits_web: bool) -> None:
        if awaits_web:
            threading.Thread(target=self._await_web, daemon=True).start()
        if reloads:
            threading.Thread(target=self._await_changes, daemon=True).start()

    def follow_documents(self) -> None:
        self._is_following = True

    def look(self, supervisor: Supervisor) -> None:
        if self._is_up.is_set():
            self._is_up.clear()
            self._say(f"Footnote is ready: {settings.SITE_URL}/")
        if self._has_changed.is_set():
            self._has_changed.clear()
            self._say("code changed: web and worker start again")
            supervisor.restart({"web", "worker"})
        if self._is_following and time.monotonic() > self._next_look:
            self._next_look = time.monotonic() + PROGRESS_SECONDS
            self._tell_progress()

    def _tell_progress(self) -> None:
        try:
            progress = starting.document_progress()
        except DatabaseError:
            return  # busy; the next look is soon
        finally:
            connections.close_all()
        done, total = progress
        if total and progress != self._progress:
            self._progress = progress
            self._say(f"{done} of {total} documents are searchable")
            self._is_following = done < total

    def _await_web(self) -> None:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.HOST, settings.HOST)  # noqa: S104
        while not self._is_up.is_set():
            link = HTTPConnection(host, settings.PORT, timeout=5)
            try:
                link.request("GET", "/health/")
                if link.getresponse().status == 200:
                    self._is_up.set()
                    return
            except (OSError, HTTPException):
                time.sleep(TURN_SECONDS)
            finally:
                link.close()

    def _await_changes(self) -> None:
        apps = ("core", "users", "knowledge", "chat", "evaluation")
        folders = [settings.BASE_DIR / app for app in apps]
        for _ in watch(*folders, watch_filter=PythonFilter()):
            self._has_changed.set()
