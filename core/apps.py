"""The app's configuration."""

from importlib import import_module

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = "Footnote"

    def ready(self) -> None:
        """Register the system checks; they need the models, so not before now."""
        import_module("core.checks")
