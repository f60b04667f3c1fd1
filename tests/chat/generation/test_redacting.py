"""What a model is sent holds names for personal data; what the reader sees has the values again."""

import random

from chat.generation.prompts import Message
from chat.generation.redacting import Restoring, Shield

SAID = [
    Message("user", "I am jane@example.org, IBAN DE89370400440532013000."),
    Message("user", "Passage: write to help@example.org or Jane@Example.org. [EMAIL_1] is text."),
]


def test_the_same_value_has_the_same_name_in_all_messages_of_a_call() -> None:
    first, second = (one.content for one in Shield().hide(SAID))
    assert first == "I am [EMAIL_1], IBAN [IBAN_1]."
    assert second == "Passage: write to [EMAIL_2] or [EMAIL_1]. [TEXT_1] is text."


def test_what_a_document_wrote_like_a_name_is_nobodys_value() -> None:
    shield = Shield()
    shield.hide(SAID)
    assert shield.restored("[TEXT_1] and [EMAIL_1]") == "[EMAIL_1] and jane@example.org"


def test_values_come_back_wherever_a_token_ends_and_however_a_model_writes_their_names() -> None:
    shield = Shield()
    shield.hide(SAID)
    written = r"To [EMAIL_1], EMAIL_2, \[IBAN\_1\] and 【EMAIL_1】 [1][EMAIL_9]. MY_EMAIL_1 I"
    shown = (
        "To jane@example.org, help@example.org, DE89370400440532013000 and jane@example.org "
        "[1][EMAIL_9]. MY_EMAIL_1 I"
    )
    for seed in range(200):
        draw = random.Random(seed)
        restoring, parts, at = Restoring(shield), [], 0
        while at < len(written):
            step = draw.randint(1, 5)
            parts.append(restoring.feed(written[at : at + step]))
            at += step
        assert "".join([*parts, restoring.close()]) == shown


def test_text_without_names_is_not_held_back() -> None:
    restoring = Restoring(Shield())
    assert restoring.feed("IBAN [") == "IBAN ["
