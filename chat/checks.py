"""System checks of the chat: the list of models, the functions of a site."""

from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning

from chat.conf import models, problems
from chat.tools.answering import built_in_names
from chat.tools.site import problems as tool_problems


@register
def models_can_be_used(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """A list of models that cannot be used stops the start, with all that is wrong with it."""
    return [
        Error(problem, hint="docs/models.md shows such a file.", id="chat.E001")
        for problem in problems()
    ]


@register
def models_have_prices(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """A model that is paid for and has no price is limited by no budget."""
    return [
        CheckWarning(
            f"The model {model.name} has no price, so no budget limits it.",
            hint="Set MODEL_PRICE_IN and MODEL_PRICE_OUT, or price_in and price_out in the list.",
            id="chat.W001",
        )
        for model in models()
        if not (model.price_in or model.price_out)
        and (not model.base_url or model.base_url.startswith("https://"))
    ]


@register
def functions_can_be_offered(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """A function of a site that cannot be offered stops the start, with all that is wrong."""
    return [
        Error(f"CHAT_TOOLS: {problem}", hint="docs/tools.md shows one.", id="chat.E002")
        for problem in tool_problems(built_in_names())
    ]
