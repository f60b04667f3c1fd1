"""Where an answer may point: hosts that are allowed, and what the passages themselves say."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

_IN_PASSAGES = re.compile(r"(?:(?:https?|ftp)://|www\.)[!#-;=?-Z_a-z~]+", re.IGNORECASE)
_TRAILING = ".,;:!?'*_~"


@dataclass(frozen=True)
class Addresses:
    """Where an answer may point: ``hosts`` by link; ``quoted`` as words, as the passages have it.

    A host that begins with a dot stands for all names below it.
    """

    hosts: frozenset[str] = frozenset()
    quoted: frozenset[str] = frozenset()

    @classmethod
    def of(cls, texts: Iterable[str], hosts: frozenset[str] = frozenset()) -> "Addresses":
        """With the addresses that stand in these texts."""
        found = (match.group() for text in texts for match in _IN_PASSAGES.finditer(text))
        return cls(hosts, frozenset(trimmed(address) for address in found))

    def may_link(self, address: str) -> bool:
        return is_allowed(address, self.hosts)


def is_allowed(address: str, hosts: frozenset[str]) -> bool:
    """Whether an address is http or https at one of these hosts, and written without tricks."""
    is_plain = re.fullmatch(r"https?://[!#-)+-;=?-Z_a-z]+", address, re.IGNORECASE)
    # No second address inside, which a renderer may cut out: emphasis ends a bare one.
    if not hosts or not is_plain or re.search(r"://|www\.", address[8:], re.IGNORECASE):
        return False
    try:
        parts = urlsplit(address)
        host, _ = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return False
    if not host or "@" in parts.netloc:
        return False
    return any(host == one or (one.startswith(".") and host.endswith(one)) for one in hosts)


def trimmed(address: str) -> str:
    """Without the punctuation of the sentence around it."""
    while address:
        if address[-1] in _TRAILING or (
            address[-1] == ")" and address.count("(") < address.count(")")
        ):
            address = address[:-1]
        else:
            break
    return address
