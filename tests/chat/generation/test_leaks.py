"""A model that recites its rules is stopped within a few words."""

import random

from chat.generation.leaks import LeakWatch
from chat.generation.prompts import RULES

HONEST = "Every employee may take up to fifty-two weeks [1]. Use only what the form says.\n\nEnd"


def cut(text: str, seed: int) -> list[str]:
    draw, parts, at = random.Random(seed), [], 0
    while at < len(text):
        step = draw.randint(1, 7)
        parts.append(text[at : at + step])
        at += step
    return parts


def test_an_honest_answer_passes_unchanged() -> None:
    for seed in range(50):
        watch = LeakWatch(RULES)
        shown = "".join(watch.feed(part) for part in cut(HONEST, seed)) + watch.close()
        assert shown == HONEST
        assert not watch.recites


def test_reciting_ends_before_more_than_a_few_words_were_said() -> None:
    for seed in range(50):
        watch = LeakWatch(RULES)
        shown = "".join(watch.feed(part) for part in cut("My rules: " + RULES, seed))
        assert watch.recites
        assert len(shown.split()) <= 6
