"""``manage.py golden import|export|check``: the team's own questions as files."""

import argparse
import sys
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError
from django.utils.text import slugify

from core.errors import AppError
from evaluation.files import BadFile, read
from evaluation.importing import import_questions, prepare
from evaluation.models import QuestionSet
from evaluation.sets import as_lines, check

FOUND, ERROR = 1, 2


class Command(BaseCommand):
    help = (
        "Import questions (JSON lines, a public set's folder, or SQuAD), export a set as JSON "
        "lines, or list what keeps the questions of a set from being scored."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        orders = parser.add_subparsers(dest="order", required=True)
        bring = orders.add_parser("import", help="add a file's questions; twice is once")
        bring.add_argument("file", type=Path)
        bring.add_argument("--set", help="its short name; by default made of the file's name")
        bring.add_argument(
            "--kind", choices=QuestionSet.Kind.values, help="of a set that is made by this"
        )
        export = orders.add_parser("export", help="write a set as JSON lines")
        export.add_argument("set")
        export.add_argument("--out", type=Path, help="a file; by default the terminal")
        look = orders.add_parser("check", help="list questions whose evidence is not found")
        look.add_argument("set")

    def handle(self, *args: Any, **options: Any) -> None:
        orders = {"import": self._import, "export": self._export, "check": self._check}
        try:
            orders[options["order"]](options)
        except BadFile as error:
            _fail(f"Nothing was imported. {error}")
        except AppError as error:
            _fail(error.detail)
        except OSError as error:
            _fail(f"{error.filename} cannot be written: {error.strerror}.")

    def _import(self, options: dict[str, Any]) -> None:
        path: Path = options["file"]
        prepared = prepare(read(path))
        slug = options["set"] or slugify(path.resolve().name.split(".")[0])[:60] or "questions"
        if slug != slugify(slug):
            _fail("A short name has small letters, digits and hyphens.")
        question_set, _ = QuestionSet.objects.get_or_create(
            slug=slug,
            defaults={"name": slug, "kind": options["kind"] or QuestionSet.Kind.GOLDEN},
        )
        done = import_questions(question_set, prepared)
        self.stdout.write(
            f"{slug}: {done.added} added, {done.changed} changed, {done.unchanged} unchanged."
        )
        if done.loose:
            self.stderr.write(
                f"{done.loose} questions have a quote that is not in its document: "
                f"manage.py golden check {slug} lists them."
            )

    def _export(self, options: dict[str, Any]) -> None:
        lines = as_lines(_set(options["set"]))
        if options["out"] is None:
            for line in lines:
                self.stdout.write(line)
            return
        text = "".join(f"{line}\n" for line in lines)
        options["out"].write_text(text, encoding="utf-8")

    def _check(self, options: dict[str, Any]) -> None:
        question_set = _set(options["set"])
        found = 0
        for finding in check(question_set):
            found += 1
            self.stdout.write(f"{finding.question.text[:80]}: {finding.problem}")
        if found:
            self.stderr.write(f"{found} problems.")
            sys.exit(FOUND)
        self.stdout.write("All evidence is found.")


def _set(slug: str) -> QuestionSet:
    question_set = QuestionSet.objects.filter(slug=slug).first()
    if question_set is None:
        known = ", ".join(QuestionSet.objects.values_list("slug", flat=True)) or "none yet"
        _fail(f"There is no question set “{slug}”. There are: {known}.")
    return question_set


def _fail(sentence: str) -> NoReturn:
    raise CommandError(sentence, returncode=ERROR)
