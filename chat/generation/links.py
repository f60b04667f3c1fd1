"""Links of a document that mean nothing outside it."""

import re

_CODE_OR_RELATIVE_LINK = re.compile(
    r"(?P<code>(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`))"
    r"|(?<!\\)!?\[(?P<words>[^\[\]\n]*)\]"
    r"\((?!\s*<?(?:https?:|mailto:))[^()\s]*(?:[ \t]+[\"'][^\"'\n]*[\"'])?\)",
    re.DOTALL | re.IGNORECASE,
)


def unlinked(text: str) -> str:
    """Quoted text whose relative links, which lead nowhere from an answer, are their words alone.

    What stands in code is left as it is.
    """
    return _CODE_OR_RELATIVE_LINK.sub(_code_or_words, text)


def _code_or_words(found: re.Match[str]) -> str:
    return found["code"] if found["code"] is not None else found["words"]
