"""``manage.py prepare_model``: the embedding model in the form that runs without PyTorch."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from knowledge import conf
from knowledge.retrieval.embedder import prepared
from knowledge.retrieval.models import local_fingerprint, model_folder, weights_file
from knowledge.retrieval.types import EmbedderUnavailable

QUICK_BYTES = 250_000_000  # of weights: prepared in about ten seconds


class Command(BaseCommand):
    help = "Prepare the embedding model, so that searching needs a third of the time and memory."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--quick",
            action="store_true",
            help="leave a large model to the first who needs it, and fail at nothing",
        )
        parser.add_argument("--again", action="store_true", help="try although it failed before")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare it unless it is there, or unless it is not to be run that way."""
        self._is_quick: bool = options["quick"]
        if settings.EMBEDDING_PROVIDER != "local" or not conf.uses_prepared_model():
            self._tell("The settings have the model run without preparation.")
            return
        try:
            self._prepare(settings.EMBEDDING_MODEL, is_retry=options["again"])
        except EmbedderUnavailable as error:
            self._fail(str(error))

    def _prepare(self, model: str, *, is_retry: bool) -> None:
        root, fingerprint = settings.MODELS_DIR, local_fingerprint(model)
        if is_retry:
            prepared.failure_file(root, fingerprint).unlink(missing_ok=True)
        if prepared.find(root, fingerprint) is not None:
            self._tell(f"{fingerprint} is prepared already.")
        elif not prepared.may_prepare(root, model):
            self._fail(f"{fingerprint} cannot be prepared; PyTorch runs it.")
        elif self._is_quick and weights_file(model_folder(model)).stat().st_size > QUICK_BYTES:
            self.stdout.write(
                "The embedding model is large and is prepared in the background; "
                "until then answers go by words alone."
            )
        else:
            self.stdout.write("Preparing the embedding model, once; this takes some seconds")
            if prepared.ensure(root, model) is None:
                self._fail("The model could not be prepared; the log says why.")
            else:
                self._tell(f"{fingerprint} is prepared.")

    def _tell(self, line: str) -> None:
        if not self._is_quick:
            self.stdout.write(line)

    def _fail(self, line: str) -> None:
        if not self._is_quick:
            raise CommandError(line)
