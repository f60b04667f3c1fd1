"""The gate that a new release of the index passes before it answers."""

from typing import Any

from knowledge.models import IndexBuild


def judge(build: IndexBuild) -> dict[str, Any]:
    """What the team's golden questions say of a build; without questions there is no verdict."""
    return {"verdict": "skipped", "reason": "There are no golden questions yet."}
