"""What is kept from a model, and what is kept from the reader of its words."""

from dataclasses import dataclass
from typing import Literal

Policy = Literal["off", "redact", "block"]


@dataclass(frozen=True)
class Guard:
    """How a model is dealt with.

    ``link_hosts``: where its links may lead. ``personal_data``: what is done with e-mail addresses
    and the like before they are sent; ``off`` for a model of the house. ``phone_region``: the
    country (ISO 3166) whose phone numbers are known without their ``+``. ``omits_orders``: whether
    a sentence of a document that speaks to the assistant is left out of the prompt.
    """

    link_hosts: frozenset[str] = frozenset()
    personal_data: Policy = "off"
    phone_region: str = ""
    omits_orders: bool = False
