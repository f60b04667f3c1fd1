"""Small talk is known by small lists, and a question that begins with "hello" is a question."""

import pytest

from chat.generation.understanding import phrasebook
from chat.generation.understanding.smalltalk import Talk, talk_of


@pytest.mark.parametrize(
    ("message", "talk"),
    [
        ("Hello", Talk.GREETING),
        ("Hiii there!!", Talk.GREETING),
        ("Good morning, how are you?", Talk.GREETING),
        ("hallo zusammen", Talk.GREETING),
        ("¡Buenos días!", Talk.GREETING),
        ("Bonjour", Talk.GREETING),
        ("你好", Talk.GREETING),
        ("مرحبا", Talk.GREETING),
        ("ok, thanks a lot for your help!", Talk.THANKS),
        ("Vielen Dank!", Talk.THANKS),
        ("muchas gracias", Talk.THANKS),
        ("merci beaucoup", Talk.THANKS),
        ("谢谢你", Talk.THANKS),
        ("شكرا جزيلا", Talk.THANKS),
        ("thanks, bye!", Talk.FAREWELL),
        ("Auf Wiedersehen", Talk.FAREWELL),
        ("what can you do?", Talk.ABILITIES),
        ("What documents do you have?", Talk.ABILITIES),
        ("Which files can I ask about here?", Talk.ABILITIES),
        ("show me all documents", Talk.ABILITIES),
        ("Welche Dokumente gibt es?", Talk.ABILITIES),
        ("?", Talk.ABILITIES),
        ("…", Talk.ABILITIES),
        ("👍🏽", Talk.THANKS),
        ("❤️", Talk.THANKS),
        ("Hi, what can I ask you?", Talk.ABILITIES),
        ("Was kannst du?", Talk.ABILITIES),
        ("¿Qué puedes hacer?", Talk.ABILITIES),
        ("Que peux-tu faire ?", Talk.ABILITIES),
        ("你能做什么？", Talk.ABILITIES),
        ("Are you a robot?", Talk.IDENTITY),
        ("wer bist du", Talk.IDENTITY),
        ("Hey Footnote", Talk.GREETING),
    ],
)
def test_small_talk_is_known_by_its_kind(message: str, talk: Talk) -> None:
    assert talk_of(message, "Footnote") == talk


@pytest.mark.parametrize(
    "message",
    [
        "Hello, how many days of leave do I have?",
        "hi who approves travel",
        "Hallo, wie viele Urlaubstage habe ich?",
        "Hola, ¿cuántos días tengo?",
        "你好，假期有多少天？",
        "Thanks, and for contractors?",
        "thanks for the leave policy, where is the form?",
        "What can you tell me about parental leave?",
        "What can you do about overtime?",
        "How does it work?",
        "what is this",
        "what can I claim",
        "help with expenses",
        "Who made the decision?",
        "Who are your auditors?",
        "hello world program",
        "Goodbye gifts: what is the limit?",
        "yes",
        "no",
        "",
        "which documents do I need for a visa?",
        "list documents about leave",
        "C++?",
        "a" * 5000,
        "hello " * 1000,
    ],
)
def test_a_question_is_never_taken_for_small_talk(message: str) -> None:
    assert talk_of(message, "Footnote") is None


def test_every_language_has_every_phrase() -> None:
    assert set(phrasebook.languages()) >= {"ar", "de", "en", "es", "fr", "zh"}
    for language in phrasebook.languages():
        words = phrasebook.phrases(language)
        assert words.keys() == phrasebook.phrases("en").keys(), language
        assert all(text.strip() for text in words.values()), language
        for key, text in words.items():
            for field in ("{n}", "{name}"):
                assert (field in text) is (field in phrasebook.phrases("en")[key]), (language, key)


def test_a_language_without_phrases_is_answered_in_english() -> None:
    assert phrasebook.not_found("fi", 3) == phrasebook.not_found("en", 3)
