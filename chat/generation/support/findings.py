"""The deterministic check: what of a sentence its passages do not say, or say otherwise."""

from collections.abc import Iterator, Sequence

from chat.generation.support.evidence import Evidence, find
from chat.generation.support.facts import Finding, missing
from chat.generation.support.reading import Claim, Source
from chat.generation.support.turns import turned

MOST = 4  # findings that are noted of one sentence


def findings(claim: Claim, sources: Sequence[Source]) -> tuple[Finding, ...]:
    """What speaks against a claim that cites these passages; empty where nothing does.

    A thing is missing where none of the passages has it. A claim is turned round where the passage
    that carries most of it says otherwise.
    """
    if not sources:
        return ()
    found = list(dict.fromkeys(_missing(claim, sources)))
    best = best_of(claim, sources)
    if best is not None:
        said = {finding.ours for finding in found}
        found += [one for one in turned(claim, *best) if not one.ours or one.ours not in said]
    return tuple(dict.fromkeys(found))[:MOST]


def best_of(claim: Claim, sources: Sequence[Source]) -> tuple[Source, Evidence] | None:
    """The passage that carries most of a claim."""
    pairs = [(one, held) for one in sources for held in [find(claim, one)] if held is not None]
    return max(pairs, key=lambda pair: pair[1].coverage + pair[1].overlap, default=None)


def _missing(claim: Claim, sources: Sequence[Source]) -> Iterator[Finding]:
    """Each source lacks something else; what all lack is missing."""
    lacking = [list(missing(claim, one)) for one in sources]
    for finding in lacking[0]:
        if all(any(other.ours == finding.ours for other in rest) for rest in lacking[1:]):
            yield finding
