"""How far off our estimate of tokens is, model by model, as the providers' own counts tell."""

from chat.generation.understanding.memory import corrected
from chat.models import TokenRate

_WORTH_WRITING = 0.01


def ratio_of(model: str) -> float:
    """Tokens that the model's provider counts for one of our estimate; 1.0 until it said any."""
    known = TokenRate.objects.filter(model=model[:100]).values_list("ratio", flat=True).first()
    return 1.0 if known is None else known


def correct(model: str, estimated: int, used: int) -> None:
    """Learn from a call. Of two at once the last one counts, which is as good."""
    before = ratio_of(model)
    after = corrected(before, estimated, used)
    if abs(after - before) >= _WORTH_WRITING:
        TokenRate.objects.update_or_create(model=model[:100], defaults={"ratio": after})
