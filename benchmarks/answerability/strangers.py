"""Requests of strangers, and which of them are about what a set's documents are about.

CLINC's requests to a phone assistant come in domains, each of some intents. Of a domain that a set
has chapters about, a request may well be answered by the set: "when do I get my paycheck" asked
of a staff handbook is not off-topic, whatever the label says. Which domains
these are was decided by the sets' tables of contents alone, before any request was searched, and a
domain is left out as a whole, with what is refused rightly in it. The report shows both: without
these requests as "off-topic", with them as "requests". CLINC's requests outside of all
intents all stay, although some of them are answered too ("are the schools closed" by an FAQ on
COVID-19).
"""

from collections.abc import Iterable
from typing import Any

_DOMAINS = {
    "work": "direct_deposit income insurance insurance_change meeting_schedule next_holiday payday"
    " pto_balance pto_request pto_request_status pto_used rollover_401k schedule_meeting taxes w2",
    "travel": "book_flight book_hotel car_rental carry_on exchange_rate flight_status"
    " international_visa lost_luggage plug_type timezone translate travel_alert"
    " travel_notification travel_suggestion vaccines",
    "banking": "account_blocked balance bill_balance bill_due freeze_account interest_rate"
    " min_payment order_checks pay_bill pin_change report_fraud routing spending_history"
    " transactions transfer",
    "cards": "application_status apr card_declined credit_limit credit_limit_change credit_score"
    " damaged_card expiration_date improve_credit_score international_fees new_card"
    " redeem_rewards replacement_card_duration report_lost_card rewards_balance",
}
# The handbook has chapters on travel, leave, benefits, pay and meetings; the FAQ on work, income,
# crossing borders and vaccines in the pandemic; MT-RAG on personal finance and paying for services.
_CHAPTERS = {
    "handbook_tts": ("work", "travel"),
    "faq_quebec": ("work", "travel"),
    "mtrag": ("work", "banking", "cards"),
}


def subjects(name: str, requests: Iterable[dict[str, Any]]) -> frozenset[str]:
    """The texts of those requests that are about a subject of the set."""
    intents = {one for domain in _CHAPTERS.get(name, ()) for one in _DOMAINS[domain].split()}
    return frozenset(one["text"] for one in requests if one["intent"] in intents)
