"""Sentences without a footnote that rest on a figure, a list or a page that a function brought."""

import pytest

from chat.generation.support.grounds import Ground, Grounds

SUM = Ground('{"expression": "17.5% of 4,310"} 17.5% of 4,310 = 754.254237', "= 754.254237")
DAYS = Ground(
    '{"first": "2024-03-01", "last": "2024-06-15"} From 2024-03-01 (Friday) to 2024-06-15 '
    "(Saturday): 106 days; 15 weeks and 1 days; 3 months and 14 days; 76 working days",
    "106 days; 15 weeks and 1 days; 3 months and 14 days; 76 working days",
)
LATER = Ground(
    '{"start": "2024-03-01", "amount": 30} 2024-03-01 (Friday) and 30 days is 2024-03-31 (Sunday).',
    "2024-03-31 (Sunday) 31 March 2024, March 31, 2024",
)
LIST = Ground(
    '{"title": "invoice"}\n2 documents, 2 shown.\n'
    "Document 3: Invoice Handling (policy, 2024-01-03)\nDocument 9: Leave (faq, 2024-02-01)",
    "2 documents",
    ("Invoice Handling", "Leave"),
    is_list=True,
)
GERMAN = Ground(
    '{"title": "rechnung"}\n2 documents, 2 shown.\n'
    "Document 3: Rechnungen prüfen (policy, 2024-01-03)\nDocument 9: Rechnungen (faq, 2024-02-01)",
    "2 documents",
    ("Rechnungen prüfen", "Rechnungen"),
    is_list=True,
)
WEB = Ground("1. Trains\nhttps://example.org/trains\nTrains to Rome leave at noon.")
OF = {
    SUM: "What is 17.5 % of 4,310?",
    DAYS: "How many days are there between 2024-03-01 and 2024-06-15?",
    LATER: "Which day is 30 days after 2024-03-01?",
    LIST: "Which documents do you have about invoices?",
    GERMAN: "Welche Dokumente gibt es zu Rechnungen?",
    WEB: "When do trains to Rome leave?",
}


@pytest.mark.parametrize(
    ("ground", "words"),
    [
        (SUM, "17.5 % of 4,310 is **754.25**."),
        (SUM, "754,25"),
        (SUM, "Das Ergebnis der Berechnung ist 754,25."),
        (SUM, "That is about 754."),
        (DAYS, "There are 106 days between 1 March 2024 and June 15, 2024."),
        (DAYS, "Between the two dates lie 106 days (15 weeks and 1 day)."),
        (LATER, "It is 31 March 2024."),
        (LATER, "It is a Sunday."),
        (LIST, "You have two documents about invoices."),
        (LIST, "There are 2 documents about invoices: Invoice Handling and Leave."),
        (LIST, "**Invoice Handling** (policy, 3 January 2024)"),
        (GERMAN, "Es gibt zwei Dokumente zu Rechnungen."),
        (GERMAN, "Rechnungen prüfen (Richtlinie vom 3. Januar 2024)"),
        (WEB, "According to the web, trains to Rome leave at noon."),
        (WEB, "Trains to Rome leave at noon (from the web)."),
    ],
)
def test_a_sentence_that_says_what_was_brought_is_carried(ground: Ground, words: str) -> None:
    assert Grounds([OF[ground]], [ground]).carry(words)


@pytest.mark.parametrize(
    ("ground", "words"),
    [
        (SUM, "The answer is 755."),
        (SUM, "17.5 % of 4,310 is a good deal."),
        (SUM, "Employees get 754.25 euros of bonus under the travel policy."),
        (SUM, "754.25 stands in paragraph 9."),
        (SUM, "The company was founded long ago."),
        (DAYS, "There are 107 days between the two."),
        (DAYS, "The warranty of every printer lasts 106 days from its purchase."),
        (LATER, "It is 30 March 2024."),
        (LIST, "Leave is paid in full."),
        (LIST, "You get 2 weeks of parental leave."),
        (LIST, "Leave is 2 weeks."),
        (LIST, "Invoice Handling says that suppliers are paid late."),
        (LIST, "There are 3 documents about invoices."),
        (LIST, "Invoices are paid."),
        (WEB, "Rome is the capital of Italy."),
        (WEB, "Trains to Rome leave at 11:30."),
    ],
)
def test_what_a_model_says_beside_it_is_not(ground: Ground, words: str) -> None:
    assert not Grounds([OF[ground]], [ground]).carry(words)


def test_nothing_is_carried_where_nothing_was_brought() -> None:
    assert not Grounds([OF[SUM]]).carry("17.5 % of 4,310 is 754.25.")


@pytest.mark.parametrize(
    ("expression", "does"),
    [
        ("4310*0.175", True),
        ("17.5% of 4,310", True),
        ("4310 * 17.5 / 100", True),
        ("4310*1.175", True),
        ("4310 / 2", True),
        ("1+1", False),
        ("52*7", False),
        ("4310+77", False),
        ("", False),
    ],
)
def test_a_calculation_is_made_of_figures_that_were_named(expression: str, does: bool) -> None:
    assert Grounds([OF[SUM]]).derives(f'{{"expression": "{expression}"}}') is does


def test_a_calculation_with_an_earlier_result_counts() -> None:
    assert Grounds([OF[SUM]], [SUM]).derives('{"expression": "754.254237 * 2"}')


def test_days_are_those_that_were_named_or_today() -> None:
    asked = Grounds(["How long is it from 1 March 2024?"])
    assert asked.is_dated('{"first": "2024-03-01", "last": "2024-12-24"}', "2027-01-01")
    assert asked.is_dated('{"first": "today", "last": "2024-12-24"}', "2027-01-01")
    assert asked.is_dated('{"first": "2027-01-01", "last": "2024-12-24"}', "2027-01-01")
    assert not asked.is_dated('{"first": "2020-05-02", "last": "2024-12-24"}', "2027-01-01")
