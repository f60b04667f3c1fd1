"""The app's configuration."""

from importlib import import_module

from django.apps import AppConfig
from django.core.checks import register


class KnowledgeConfig(AppConfig):
    name = "knowledge"
    verbose_name = "Knowledge"

    def ready(self) -> None:
        """Register the checks, which read models' neighbours and so wait until now."""
        register(import_module("knowledge.checks").embedding_model_is_there)
