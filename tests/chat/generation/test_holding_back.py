"""Under the strict policy a sentence is shown once it was checked, and the text stays whole."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.generation.citations import CitationParser, Found, Mark
from chat.generation.support.holding import Holder
from knowledge.passages import Passage
from tests.chat.generation.test_citation_marks import TEXTS
from tests.chat.generation.test_quoting import passage

PASSAGES = [passage(f"Passage {number}.") for number in range(5)]


def held(tokens: Sequence[str], bad: str = "") -> tuple[str, list[Found], int]:
    """What is shown of a stream where sentences with the word ``bad`` fail."""

    async def gate(words: str, cited: Mapping[int, Passage]) -> str | None:
        return None if bad and bad in words else words

    async def run() -> tuple[str, list[Found], int]:
        holder = Holder(PASSAGES, gate)
        parser = CitationParser(len(PASSAGES))
        found: list[Found] = []
        for token in tokens:
            found += await holder.feed(parser.feed(token))
        found += await holder.feed(parser.close())
        found += await holder.close()
        return "".join(piece.text for piece in found), found, holder.left_out

    return asyncio.run(run())


def parsed(text: str) -> str:
    parser = CitationParser(len(PASSAGES))
    return "".join(piece.text for piece in [*parser.feed(text), *parser.close()])


ANSWER = """Here is what I found.

## Pay

It is paid in full [3]. This is bad [2]. It ends in May [1].

The list:

- first item [2]
- bad item [4]
- last item [1]

| a | b |
|---|---|
| one [1] | two |
| bad [2] | two |

## Bad

Only bad things here [5].
"""


def test_what_fails_is_left_out_with_its_bullet_its_row_and_its_heading() -> None:
    text, _, left_out = held(list(ANSWER), "bad")
    assert left_out == 4
    assert text.rstrip() == (
        "Here is what I found.\n\n## Pay\n\nIt is paid in full [1]. It ends in May [2].\n\n"
        "The list:\n\n- first item [3]\n- last item [2]\n\n| a | b |\n|---|---|\n| one [2] | two |"
    )


def test_footnotes_are_numbered_in_the_order_in_which_they_are_shown() -> None:
    _, found, _ = held(list(ANSWER), "bad")
    marks = [piece for piece in found if isinstance(piece, Mark)]
    assert [(mark.number, mark.source) for mark in marks] == [
        (1, 3),
        (2, 1),
        (3, 2),
        (2, 1),
        (2, 1),
    ]
    assert [mark.number for mark in marks if mark.is_new] == [1, 2, 3]


def test_nothing_is_shown_before_its_sentence_is_whole() -> None:
    async def run() -> list[str]:
        async def gate(words: str, cited: Mapping[int, Passage]) -> str | None:
            return words

        holder = Holder(PASSAGES, gate)
        parser = CitationParser(5)
        shown = []
        for token in ("It is paid", " in full", " [1].", " And", " more", " follows [2]."):
            found = await holder.feed(parser.feed(token))
            shown.append("".join(piece.text for piece in found))
        return shown

    shown = asyncio.run(run())
    assert shown[:3] == ["", "", ""]
    assert "It is paid in full [1]." in "".join(shown)


@given(TEXTS, st.data())
def test_the_result_does_not_depend_on_where_tokens_end(text: str, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=6).map(sorted))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    for bad in ("", "word"):
        assert held(pieces, bad)[0] == held([text], bad)[0]


@pytest.mark.parametrize("text", [ANSWER, "One [1]. Two [2].", "- a [1]\n- b [1]", "Plain words"])
def test_what_passes_is_shown_as_it_was_written(text: str) -> None:
    assert held(list(text))[0].strip() == parsed(text).strip()


def test_where_all_fails_nothing_is_left() -> None:
    text, _, left_out = held(["# Title\n\n", "All bad [1]. ", "And bad [2]."], "bad")
    assert text.strip() == ""
    assert left_out == 2


def test_what_was_said_anew_stands_in_the_place_of_the_sentence_with_its_own_marks() -> None:
    async def gate(words: str, cited: Mapping[int, Passage]) -> str | None:
        return words.replace("bad", "good") if "bad" in words else words

    async def run() -> tuple[str, Holder]:
        holder = Holder(PASSAGES, gate)
        parser = CitationParser(len(PASSAGES))
        found = await holder.feed(parser.feed("- It is bad [4].\n- It is fine [2].\n"))
        found += [*await holder.feed(parser.close()), *await holder.close()]
        marks = [piece.source for piece in found if isinstance(piece, Mark)]
        assert marks == [4, 2]
        return "".join(piece.text for piece in found), holder

    text, holder = asyncio.run(run())
    assert text.strip() == "- It is good [1].\n- It is fine [2]."
    assert (holder.left_out, holder.reworded) == (0, 1)
