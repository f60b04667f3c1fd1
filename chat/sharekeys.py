"""The key of a shared answer: equal for equal questions, and for nothing else that made it."""

import hashlib
import json
import re
import unicodedata
from dataclasses import fields, is_dataclass
from typing import Any

from django.conf import settings
from django.utils import timezone

from chat.conf import support_judge
from chat.generation.personal_data import find as personal_data
from chat.jobs import Job
from knowledge.search import fingerprint

FORM = 1  # of the key; raised where answers are made in another way
_EDGES = "?!.,;:…\"'`*_()[]{}<>“”„‘’‚«»‹›¿¡。？！，、；：（）「」『』؟،؛"
_ASKS = ("?", "？", "؟")
_POLICIES = (
    "SUPPORT_POLICY",
    "SUPPORT_MODEL",
    "SUPPORT_JUDGE",
    "WHEN_NOT_FOUND",
    "INJECTION_POLICY",
    "PII_POLICY",
    "MODERATION_MODEL",
    "MODERATION_ON_FAILURE",
    "LINK_HOSTS",
    "TOOL_ROUNDS",
    "TOOLS_WHEN_NOT_FOUND",
    "CHAT_TOOLS",
)


def key_of(job: Job) -> str:
    """What a question and all that makes its answer come to; empty where it is this asker's alone.

    A question within a conversation is, as is one that names somebody's personal data.
    """
    if job.turns or job.frame.summary:
        return ""
    if next(iter(personal_data(job.question, region=settings.PHONE_REGION)), None) is not None:
        return ""
    documents = fingerprint(job.user, job.filters)
    if documents is None:
        return ""
    has_tools = settings.TOOL_ROUNDS and any(model.tools for model in job.models)
    told = {
        "form": FORM,
        "question": normalised(job.question),
        "language": job.language,
        "models": [_plain(model) for model in job.models],
        "judge": _plain(support_judge()),
        "prompt": job.prompt_version,
        "documents": documents,
        "top_k": job.top_k or settings.TOP_K,
        "policies": [_plain(getattr(settings, name)) for name in _POLICIES],
        # Only a prompt that offers functions says what day it is.
        "day": timezone.localdate().isoformat() if has_tools else "",
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def normalised(question: str) -> str:
    """A question without what makes no difference: case, spaces, Unicode forms, punctuation.

    Signs inside a word stay (``C++``, ``3.5``, ``-5``), and so does a question mark between two
    questions.
    """
    unified = unicodedata.normalize("NFKC", question).casefold()
    shown = "".join(c for c in unified if unicodedata.category(c) != "Cf")
    words = re.findall(r"\S+", shown)
    bare = [_bare(word, is_last=at == len(words)) for at, word in enumerate(words, start=1)]
    return " ".join(word for word in bare if word).rstrip("? ")


def _bare(word: str, *, is_last: bool) -> str:
    asks = not is_last and word.rstrip("\"'”»)").endswith(_ASKS)
    return word.strip(_EDGES) + ("?" if asks else "")


def _plain(value: Any) -> Any:
    """Values of settings in an order that is the same in every process, without any key."""
    if is_dataclass(value) and not isinstance(value, type):
        named = (one.name for one in fields(value) if one.repr)
        return {name: _plain(getattr(value, name)) for name in named}
    if isinstance(value, set | frozenset):
        return sorted(value)
    return value
