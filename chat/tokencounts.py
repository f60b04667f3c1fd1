"""How far off our estimate of tokens is, model by model, as the providers' own counts tell."""

from collections.abc import Sequence

from chat.generation.understanding.memory import corrected
from chat.models import TokenRate

_WORTH_WRITING = 0.01


def ratio_of(model: str) -> float:
    """Tokens that the model's provider counts for one of our estimate; 1.0 until it said any."""
    return ratios_of([model])[model]


def ratios_of(models: Sequence[str]) -> dict[str, float]:
    """The same of several models, which count by tokenisers of their own."""
    rates = TokenRate.objects.filter(model__in={model[:100] for model in models})
    known = dict(rates.values_list("model", "ratio")) if models else {}
    return {model: known.get(model[:100], 1.0) for model in models}


def correct(model: str, estimated: int, used: int) -> None:
    """Learn from a call. Of two at once the last one counts, which is as good."""
    before = ratio_of(model)
    after = corrected(before, estimated, used)
    if abs(after - before) >= _WORTH_WRITING:
        TokenRate.objects.update_or_create(model=model[:100], defaults={"ratio": after})
