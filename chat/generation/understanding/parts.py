"""A question that asks several things, cut into questions of their own.

A cut needs a question on either side of it: "and" inside one question ("pay and leave") is none.
"""

import re

MOST = 4  # parts: whoever asks more at once is answered to the first as one
_LONGEST = 1500  # characters
_SENTENCE = re.compile(r"(?<=[?？؟])\s+|(?<=[？؟])|\n+")
_WORD = re.compile(r"[^\W_][\w'’-]*")
# What a question begins with, by language. Auxiliaries begin one in English alone: elsewhere verbs
# of every kind do, and "and" before a verb joins predicates more often than questions.
_ASKING = (
    r"(?:what|when|where|which|who|whom|whose|why|how|can|could|do|does|did|is|are|was|were|will"
    r"|would|should|may|must|am|has|have"
    r"|was|wann|wo|wohin|woher|welche[rnms]?|wer|wem|wen|wessen|warum|weshalb|wie|wieviele?|wofür"
    r"|qué|cuándo|dónde|cuál(?:es)?|quién(?:es)?|por qué|cómo|cuánt[oa]s?"
    r"|que|quand|où|quel(?:le)?s?|qui|pourquoi|comment|combien|est-ce"
    r"|che cosa|cosa|quando|dove|quale|quali|chi|perché|come|quant[oiae])"
)
# A question word makes a question of its own; an auxiliary needs a subject after it.
_AUXILIARY = re.compile(
    r"(?:can|could|do|does|did|is|are|was|were|will|would|should|may|must|am|has|have)\b",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"(?:ha(?:ve|s)\s+(?:i|you|we|he|she|it|they)|(?!ha(?:ve|s)\b)\w+\s+(?:i|you|we|he|she|it|they|there|the|a|an|my|our|your|their|this|that|these|those|any"
    r"|all|every|each|people|staff|employees|someone|anyone|contractors))\b",
    re.IGNORECASE,
)
_JOINT = re.compile(
    rf"(?:\s*[,;]\s*|\s+)(?:and|or|und|oder|sowie|y|o|et|ou|e)\s+(?:also\s+|then\s+)?(?={_ASKING}\b)"
    rf"|\s*[;，；]\s*(?={_ASKING}\b)|[，,]?(?:以及|并且|还有|另外)",
    re.IGNORECASE,
)
_BEGINS = re.compile(rf"[\s¿]*(?:(?:and|so|also|but|und|y|et)\s+)?{_ASKING}\b", re.IGNORECASE)
_HAN = re.compile("[\u4e00-\u9fff]")
_HAN_ASKING = re.compile("[吗呢哪谁]|什么|怎么|如何|何时|多少|几")
_LEAST_HAN = 4  # characters
# Before "and", these show that what follows still belongs to them: "the rules on when and how".
_OPEN_END = re.compile(
    r"\b(?:of|about|between|both|either|whether|on|what|when|where|how|why)$", re.I
)
_LEAST = 2  # words: "and how?" is no part of its own


def parts_of(question: str) -> tuple[str, ...]:
    """The questions in a message, in order; itself alone where it asks one thing.

    A sentence that asks nothing ("I am a contractor.") goes with the question behind it.
    """
    if len(question) > _LONGEST:
        return (question,)
    asked: list[str] = []
    said = ""
    for sentence in _sentences(question):
        if not _asks(sentence):
            said = f"{said} {sentence}".strip()
            continue
        for part in _clauses(sentence):
            asked.append(f"{said} {part}".strip() if said else part)
            said = ""
    if said and asked:
        asked[-1] = f"{asked[-1]} {said}"
    distinct = tuple(dict.fromkeys(asked))
    return distinct if 1 < len(distinct) <= MOST else (question,)


def _sentences(text: str) -> list[str]:
    return [piece.strip() for piece in _SENTENCE.split(text) if piece and piece.strip()]


def _asks(sentence: str) -> bool:
    """Whether a sentence is a question that says enough to be one."""
    is_question = sentence.endswith(("?", "？", "؟")) or bool(_BEGINS.match(sentence))
    return is_question and _says_enough(sentence)


def _says_enough(text: str) -> bool:
    words = _WORD.findall(text)
    return len(words) >= _LEAST or bool(words and _HAN.search(text) and len(text) >= _LEAST_HAN)


def _clauses(sentence: str) -> list[str]:
    """The questions that one sentence joins by "and"; the sentence where it joins none."""
    pieces: list[str] = []
    at = 0
    for joint in _JOINT.finditer(sentence):
        before, after = sentence[at : joint.start()].strip(" ,;，¿"), sentence[joint.end() :]
        if _is_question(before) and _is_question(after) and not _OPEN_END.search(before):
            pieces.append(f"{before}{_mark(sentence)}")
            at = joint.end()
    rest = sentence[at:].strip()
    return [*pieces, rest] if pieces else [sentence]


def _mark(sentence: str) -> str:
    return next((mark for mark in "?？؟" if sentence.endswith(mark)), "?")


def _is_question(clause: str) -> bool:
    if _HAN_ASKING.search(clause):
        return True
    begins = _BEGINS.match(clause)
    if begins is None or not _says_enough(clause):
        return False
    return not _AUXILIARY.match(clause.lstrip()) or bool(_SUBJECT.match(clause.lstrip()))
