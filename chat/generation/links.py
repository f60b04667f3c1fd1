"""Links of a document, which an answer quotes as words."""

import re

from chat.generation.outgoing import disarmed

_CODE_OR_RELATIVE_LINK = re.compile(
    r"(?P<code>(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`))"
    r"|(?<!\\)!?\[(?P<words>[^\[\]\n]*)\]"
    r"\((?!\s*<?(?:https?:|mailto:))[^()\s]*(?:[ \t]+[\"'][^\"'\n]*[\"'])?\)",
    re.DOTALL | re.IGNORECASE,
)


def unlinked(text: str) -> str:
    """Quoted text whose links are their words, with the address as code where it has a host.

    Relative links lead nowhere from an answer. What stands in code is left as it is.
    """
    return disarmed(_CODE_OR_RELATIVE_LINK.sub(_code_or_words, text))


def _code_or_words(found: re.Match[str]) -> str:
    return found["code"] if found["code"] is not None else found["words"]
