"""Footnote marks are found wherever a token ends, and nothing else is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.generation.citations import CitationParser, Mark, inert
from chat.generation.sentences import marks_in

PARTS = st.sampled_from(
    [
        *("[1]", "[2, 3]", "[3][1]", "【2】", "【2†x】", "[9]", "[1-3]", "[ 1 ]", "[^2]", "[2024]"),
        *("[", "]", "](", "(x)", "`", "``", "```", "~~~", "  ```\n", "\n", "\n\n", " ", "\\"),
        *("[1", "1]", "【", "[a]", "[1](u)", "[see [1] here](u)", "word", ". ", "ü🦊"),
    ]
)
TEXTS = st.one_of(
    st.lists(PARTS, max_size=14).map("".join), st.text("[]()`~\n 12379,-x\\【】†", max_size=40)
)


def parsed(tokens: list[str], sources: int = 5) -> tuple[str, list[tuple[int, int]], int]:
    parser = CitationParser(sources)
    found = [piece for token in tokens for piece in parser.feed(token)]
    found += parser.close()
    text = "".join(piece.text for piece in found)
    marks = [(piece.number, piece.source) for piece in found if isinstance(piece, Mark)]
    return text, marks, parser.dropped


@pytest.mark.parametrize(
    ("written", "shown", "sources"),
    [
        ("Paid [2]. Free [1].", "Paid [1]. Free [2].", [2, 1]),
        ("Both [1, 2].", "Both [1][2].", [1, 2]),
        ("Both [3][1].", "Both [1][2].", [3, 1]),
        ("Range [2-4].", "Range [1][2][3].", [2, 3, 4]),
        ("Wide 【4】 and 【5†source】.", "Wide [1] and [2].", [4, 5]),
        ("Again [2] and [2].", "Again [1] and [1].", [2, 2]),
        ("None [7].", "None.", []),
        ("Some [7][1].", "Some [1].", [1]),
        ("Some [1, 7].", "Some [1].", [1]),
        ("Zero [0] and [00].", "Zero and.", []),
        ("A year [2024] stays.", "A year [2024] stays.", []),
        ("In `a[1]` code [1].", "In `a[1]` code [1].", [1]),
        ("```\na[1]\n```\nOut [2].", "```\na[1]\n```\nOut [1].", [2]),
        ("~~~\na[1]\n~~~\nOut [2].", "~~~\na[1]\n~~~\nOut [1].", [2]),
        ("A [1](https://evil) link.", "A [1](https://evil) link.", []),
        ("[see [1] here](u) [2]", r"[see \[1\] here](u) [1]", [2]),
        ("[x](https://a/[1]) [2]", "[x](https://a/[1]) [1]", [2]),
        (r"Not \[1] a mark.", r"Not \[1] a mark.", []),
        ("Open [1", "Open [1", []),
        ("` alone [1]\n\nNext [1]", "` alone [1]\n\nNext [1]", [1]),
    ],
)
def test_marks_are_read_in_every_way_that_models_write_them(
    written: str, shown: str, sources: list[int]
) -> None:
    text, marks, _ = parsed([written])
    assert text == shown
    assert [source for _, source in marks] == sources


@given(TEXTS, st.data())
def test_the_result_does_not_depend_on_where_tokens_end(text: str, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=6).map(sorted))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert parsed(pieces) == parsed([text]) == parsed(list(text))


@given(TEXTS)
def test_numbers_are_given_in_order_of_appearance_and_none_is_invented(text: str) -> None:
    _, marks, _ = parsed(list(text), sources=3)
    assert all(1 <= source <= 3 for _, source in marks)
    first_seen = list(dict.fromkeys(number for number, _ in marks))
    assert first_seen == list(range(1, len(first_seen) + 1))
    assert len(set(marks)) == len({source for _, source in marks})


@given(TEXTS)
def test_quoted_words_cannot_be_taken_for_a_mark(text: str) -> None:
    plain = text.replace("\\", "")
    assert marks_in(inert(plain).replace("`", "")) == () or "](" in plain


def test_the_longest_answer_of_one_character_is_parsed_and_kept() -> None:
    for character in "[`\\ 【~1":
        assert parsed([character * 84 for _ in range(100)])[0] == character * 8400
