"""Figures that a function computed: they stand in no passage, and no passage can speak for them."""

from collections.abc import Sequence
from dataclasses import replace

from chat.generation.support.checking import Checked, Tools, check

COMPUTED = "A figure of this was computed; it does not stand in the cited passage."


def with_computed(checked: Sequence[Checked], computed: Sequence[str]) -> list[Checked]:
    """A sentence that fails for a computed figure alone cannot be told, rather than being wrong.

    It is looked at once more with what was computed beside its passages. It never becomes green by
    that: whether the figures that went in are the right ones, nobody has checked.
    """
    if not computed:
        return list(checked)
    return [_again(one, "\n".join(computed)) if _is_wrong(one) else one for one in checked]


def _is_wrong(one: Checked) -> bool:
    return one.sentence.support == "unsupported" and bool(one.passages)


def _again(one: Checked, computed: str) -> Checked:
    beside = [replace(p, text=f"{p.text}\n\n{computed}") for p in one.passages]
    sentence = replace(one.sentence, start=0, end=len(one.words), support="unknown", why="")
    cited = dict(zip(one.numbers, beside, strict=True))
    [found] = check(one.words, [sentence], cited, Tools())
    if found.sentence.support == "unsupported":
        return one
    return replace(one, sentence=replace(one.sentence, support="unknown", why=COMPUTED))
