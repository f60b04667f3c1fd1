"""What the quality gate says of a complete build; whatever it does, it stops no work."""

import logging
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from knowledge.indexing.runs import JUDGING, Run

logger = logging.getLogger(__name__)

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
_NO_GATE = "No quality gate is set."
_BROKE_OFF = "The quality gate broke off. The log says why."


def judge(run: Run) -> str:
    """Ask ``INDEX_GATE`` about a build, and keep on the build what it found.

    A gate that breaks or says something unknown counts as skipped, so that a fault of its own
    never stops new documents.

    Returns:
        The verdict.
    """
    run.begin(JUDGING, 0, 0)
    run.build.gate = _found(run) if settings.INDEX_GATE else _skipped(_NO_GATE)
    return str(run.build.gate["verdict"])


def _found(run: Run) -> dict[str, Any]:
    try:
        found: dict[str, Any] = dict(import_string(settings.INDEX_GATE)(run.build))
    except Exception:  # another app's code at the edge: its fault is logged and said on the build
        logger.exception("the quality gate broke off")
        return _skipped(_BROKE_OFF)
    if found.get("verdict") not in (PASSED, FAILED, SKIPPED):
        return _skipped(f"The quality gate said {found.get('verdict')!r}.")
    return {"reason": "", **found}


def _skipped(reason: str) -> dict[str, Any]:
    return {"verdict": SKIPPED, "reason": reason}
