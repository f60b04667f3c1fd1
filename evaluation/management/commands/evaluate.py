"""``manage.py evaluate``: a question set of this installation, or public sets apart from it."""

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError

from evaluation import runs
from evaluation.files.values import BadFile
from evaluation.intervals import NotANumber
from evaluation.models import QuestionSet, Run
from evaluation.public import rewriting
from evaluation.public.inside import work
from evaluation.public.installation import (
    FolderInUse,
    Order,
    SetFailed,
    measure_set,
    names_of,
)
from evaluation.public.methods import METHODS, READ
from evaluation.public.report import summary, table
from evaluation.texts import run_as_text
from knowledge.models import IndexBuild

WORSE, ERROR, TOO_FEW = 1, 2, 3
_EXITS = {Run.Verdict.FAILED: WORSE, Run.Verdict.TOO_FEW: TOO_FEW, Run.Verdict.SKIPPED: TOO_FEW}


class Command(BaseCommand):
    help = (
        "Ask a question set of this installation and report how well passages are found, with "
        "95 % intervals; or, with --folder, measure public sets in installations of their own."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("set", nargs="?", help="the short name of a question set")
        parser.add_argument("--build", type=int, help="an index build; by default the active one")
        parser.add_argument(
            "--baseline", help="a run's number, active or none; by default the last run of the set"
        )
        parser.add_argument(
            "--gate", action="store_true", help="end with 1 if it is worse, 3 if too few can say"
        )
        parser.add_argument("--folder", nargs="+", type=Path, help="folders of public sets")
        parser.add_argument(
            "--follow-ups", nargs="+", type=Path, help="folders of follow-up questions to rewrite"
        )
        parser.add_argument("--keep", type=Path, help="keep installations and vectors here")
        parser.add_argument("--methods", default=",".join(METHODS), help="to compare, by commas")
        parser.add_argument("--across", action="store_true", help="also across languages")
        parser.add_argument("--limit", type=int, help="ask a sample of this many questions")
        parser.add_argument("--json", type=Path, help="write all figures to this file")
        parser.add_argument("--inside", help=argparse.SUPPRESS)  # the process of one public set

    def handle(self, *args: Any, **options: Any) -> None:
        if options["limit"] is not None and options["limit"] < 1:
            _fail("--limit must be at least 1.")
        kinds = ("set", "folder", "inside", "follow_ups")
        if sum(bool(options[kind]) for kind in kinds) != 1:
            _fail("Name a question set, or public sets with --folder or --follow-ups.")
        try:
            if options["inside"]:
                work(Order(**json.loads(options["inside"])))
            elif options["follow_ups"]:
                self._measure_rewriting(options["follow_ups"])
            elif options["folder"]:
                self._measure_folders(options)
            else:
                self._measure_set(options)
        except (BadFile, NotANumber, SetFailed, FolderInUse, OSError) as error:
            _fail(str(error))

    # --- A set of this installation ---

    def _measure_set(self, options: dict[str, Any]) -> None:
        question_set = QuestionSet.objects.filter(slug=options["set"]).first()
        if question_set is None:
            known = ", ".join(QuestionSet.objects.values_list("slug", flat=True)) or "none yet"
            _fail(f"There is no question set “{options['set']}”. There are: {known}.")
        build = self._build(options["build"])
        wanted = runs.Wanted(
            question_set=question_set,
            origin=Run.Origin.COMMAND,
            build=build,
            limit=options["limit"],
        )
        baseline = self._baseline(wanted, options["baseline"])
        run = self._execute(
            runs.Wanted(**{**vars(wanted), "baseline": baseline}),
        )
        self.stdout.write(run_as_text(run))
        if options["json"]:
            _write(options["json"], {"run": run.pk, "verdict": run.verdict, **run.metrics})
        if options["gate"]:
            self._end(run)

    def _build(self, number: int | None) -> IndexBuild | None:
        if number is None:
            return None
        build = IndexBuild.objects.filter(pk=number).first()
        if build is None:
            _fail(f"There is no index build {number}.")
        return build

    def _baseline(self, wanted: runs.Wanted, named: str | None) -> Run | None:
        if named == "none":
            return None
        if named == "active" or (named is None and wanted.build is not None):
            return self._execute(runs.Wanted(**{**vars(wanted), "build": None}))
        of_set = Run.objects.filter(question_set=wanted.question_set, state=Run.State.DONE)
        if named is None:
            return of_set.first()
        run = of_set.filter(pk=int(named)).first() if named.isdecimal() else None
        if run is None:
            _fail(f"There is no finished run {named} of this set.")
        return run

    def _execute(self, wanted: runs.Wanted) -> Run:
        run = runs.create(wanted)
        if not runs.execute(run.pk, self._tell):
            run.refresh_from_db()
            _fail(run.error or "Another worker has taken this run; look at it in the admin.")
        run.refresh_from_db()
        return run

    def _tell(self, asked: int, total: int) -> None:
        if sys.stderr.isatty() or asked == total:
            self.stderr.write(f"{asked} of {total} questions")

    def _end(self, run: Run) -> None:
        if run.baseline is None:
            leaks = run.metrics["counts"].get("leak", 0)
            self.stderr.write("There is no earlier run to compare with.")
            sys.exit(WORSE if leaks else TOO_FEW)
        status = _EXITS.get(Run.Verdict(run.verdict), 0)
        if status:
            sys.exit(status)

    # --- Public sets ---

    def _measure_rewriting(self, folders: list[Path]) -> None:
        sets = {
            name: rewriting.follow_ups(folder)
            for name, folder in zip(names_of(folders), folders, strict=True)
        }
        self.stdout.write(rewriting.table(sets))

    def _measure_folders(self, options: dict[str, Any]) -> None:
        methods = tuple(dict.fromkeys(options["methods"].split(",")))
        unknown = [name for name in methods if name not in (*METHODS, *READ)]
        if unknown:
            _fail(f"There is no method “{unknown[0]}”. There are: {', '.join((*METHODS, *READ))}.")
        lines: list[dict[str, Any]] = []
        facts: dict[str, Any] = {}
        failures: list[str] = []
        with ExitStack() as stack:
            kept = options["keep"] or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            for order in _orders(options, kept.resolve(), methods):
                try:
                    measured = measure_set(order, kept.resolve())
                except (SetFailed, BadFile) as error:  # the other sets are worth their figures
                    failures.append(str(error))
                    continue
                lines += measured.lines
                facts[order.name] = measured.facts
        found = summary(lines)
        if lines:
            self.stdout.write(table(found))
        for name, of_set in facts.items():
            self.stdout.write(
                f"{name}: {of_set['documents']} documents, {of_set['chunks']} chunks, "
                f"{of_set['seconds']:.0f} s to load; {of_set['lost_spans']} spans not in the text"
            )
        if options["json"]:
            _write(options["json"], {"sets": found, "facts": facts})
        if failures:
            _fail(" ".join(failures))


def _orders(options: dict[str, Any], kept: Path, methods: tuple[str, ...]) -> list[Order]:
    folders: list[Path] = options["folder"]
    return [
        Order(
            set_folder=str(folder.resolve()),
            name=name,
            out=str(kept / "results" / name),
            vectors=str(kept / "vectors"),
            methods=methods,
            limit=options["limit"],
            across=options["across"],
        )
        for folder, name in zip(folders, names_of(folders), strict=True)
    ]


def _write(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=1, default=str), encoding="utf-8")


def _fail(sentence: str) -> NoReturn:
    raise CommandError(sentence, returncode=ERROR)
