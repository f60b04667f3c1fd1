"""How the models are, as this process has found them."""

from typing import Any, Literal

from chat.conf import models, problems
from chat.runtime import runtime


def models_part() -> tuple[Literal["ok", "degraded", "failed"], Any]:
    """``degraded`` where a model is left alone for a while, or where the list cannot be used.

    Never ``failed``: without a model answers are quoted.
    """
    wrong = problems()
    if wrong:
        return "degraded", {"problems": wrong}
    known = {model.config.name: model for model in runtime().known_models()}
    listed = [_detail(config.name, known.get(config.name)) for config in models()]
    is_whole = all(detail["breaker"] == "closed" for detail in listed)
    return ("ok" if is_whole else "degraded"), listed or "answers are quoted"


def _detail(name: str, model: Any) -> dict[str, Any]:
    if model is None:  # not asked yet by this process
        return {"model": name, "breaker": "closed", "faults": 0, "running": 0}
    breaker = model.breaker
    return {
        "model": name,
        "breaker": breaker.state,
        "faults": breaker.faults,
        "seconds_left": round(breaker.seconds_left),
        "running": model.running,
    }
