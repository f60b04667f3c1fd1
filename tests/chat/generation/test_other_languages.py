"""An answer in another language than its question is noticed; in doubt nothing is said."""

import pytest

from chat.generation.understanding.language import is_in_another

GERMAN = "Bis zu zweiundfünfzig Wochen Elternzeit [1]."


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (GERMAN, "en"),
        ("Der Antrag ist zehn Wochen vorher bei der Personalabteilung zu stellen [1].", "en"),
        ("You may take up to fifty-two weeks of parental leave [1].", "de"),
        ("员工最多可以休五十二周的育儿假，请提前十周申请。", "en"),
        ("You may take fifty-two weeks.", "zh"),
        ("Puede tomar hasta cincuenta y dos semanas de permiso [1].", "en"),
    ],
)
def test_another_language_is_noticed(text: str, language: str) -> None:
    assert is_in_another(text, language)


@pytest.mark.parametrize(
    ("text", "language", "question"),
    [
        ("You may take up to fifty-two weeks [1].", "en", ""),
        ("52 weeks [1].", "de", ""),
        ("Müller, Görlitz, Köln [1].", "en", ""),
        ("The office in São Paulo and the one in Zürich are closed [1].", "en", ""),
        ("The form says “Der Antrag ist bei der Personalabteilung zu stellen” [1].", "en", ""),
        ("`der die das und ist`", "en", ""),
        (GERMAN, "", ""),
        (GERMAN, "en", "Say it in German please"),
        (GERMAN, "en", "Translate it for me"),
        ("", "en", ""),
    ],
)
def test_in_doubt_nothing_is_said(text: str, language: str, question: str) -> None:
    assert not is_in_another(text, language, question)
