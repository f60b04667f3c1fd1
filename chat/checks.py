"""System checks of the chat: the list of models."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from chat.conf import problems


@register
def models_can_be_used(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """A list of models that cannot be used stops the start, with all that is wrong with it."""
    return [
        Error(problem, hint="docs/models.md shows such a file.", id="chat.E001")
        for problem in problems()
    ]
