"""One question's search against what it should have brought: figures, and who lost it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from evaluation.metrics import (
    EVIDENCE_WITHIN,
    Gold,
    Shown,
    documents_of,
    evidence_rank,
    of_question,
)
from evaluation.models import Result
from knowledge.retrieval.answerability import LINE

FINAL = "final"
STAGES = ("dense", "lexical", "fused", FINAL)  # in the order in which a question goes through them


@dataclass(frozen=True)
class Asked:
    """What a search brought: the passages of each stage, best first, and what it says of itself."""

    stages: Mapping[str, Sequence[Shown]]
    answerable: float
    latency: Mapping[str, float] = field(default_factory=dict)  # ms by stage
    degraded: tuple[str, ...] = ()
    certainty: float | None = None
    # What was judged by; empty where nothing was, as the question names a code that nothing has.
    signals: Mapping[str, float] = field(default_factory=dict)

    @property
    def shown(self) -> Sequence[Shown]:
        return self.stages.get(FINAL, ())

    @property
    def claims(self) -> bool:
        """Whether it says that the documents answer."""
        return self.answerable >= LINE


@dataclass(frozen=True)
class Score:
    """Figures of the final ranking and of each stage, with what went wrong."""

    metrics: dict[str, float] = field(default_factory=dict)
    # {stage: {"rank": of the evidence, from 1, or None, and the stage's figures}}
    stages: dict[str, dict[str, float | None]] = field(default_factory=dict)
    fault: str = Result.Fault.NONE
    detail: str = ""


def score_answerable(asked: Asked, gold: Gold) -> Score:
    """Against evidence; ``gold`` has at least one document."""
    stages: dict[str, dict[str, float | None]] = {
        stage: {
            "rank": rank_in(asked.stages[stage], gold),
            **of_question(asked.stages[stage], gold),
        }
        for stage in STAGES
        if stage in asked.stages
    }
    ranks = {stage: figures["rank"] for stage, figures in stages.items()}
    fault = _fault(ranks)
    if fault == Result.Fault.NONE and not asked.claims:
        fault = Result.Fault.FALSE_REFUSAL
    return Score(of_question(asked.shown, gold), stages, fault, _sentence(ranks))


def score_unanswerable(asked: Asked) -> Score:
    """Where nothing answers, a search must not claim that something does."""
    fault = Result.Fault.FALSE_ANSWER if asked.claims else Result.Fault.NONE
    return Score(fault=fault)


def rank_in(shown: Sequence[Shown], gold: Gold) -> int | None:
    """The place of the first passage with the evidence, or without spans with its document."""
    if gold.spans:
        return evidence_rank(shown, gold.spans)
    ranked = documents_of(shown, gold.grades)
    return next((at for at, key in enumerate(ranked, 1) if key in gold.grades), None)


def leaked(asked: Asked, may_see: Collection[int]) -> list[int]:
    """Documents among the passages of any stage that the asker may not see."""
    shown = {passage.document_id for passages in asked.stages.values() for passage in passages}
    beside = {same for passage in asked.shown for same in passage.same_as}
    return sorted((shown | beside) - set(may_see))


def _fault(ranks: Mapping[str, float | None]) -> str:
    """The stage that lost the evidence, where the first five passages do not have it."""

    def has(stage: str) -> bool:
        rank = ranks.get(stage)
        return rank is not None and rank <= EVIDENCE_WITHIN

    if has(FINAL):
        return Result.Fault.NONE
    if all(ranks.get(stage) is None for stage in STAGES):
        return Result.Fault.NOT_RETRIEVED
    return Result.Fault.DROPPED if has("fused") else Result.Fault.RANKED_LOW


def _sentence(ranks: Mapping[str, float | None]) -> str:
    """Such as "dense 3, lexical none, fused 7, final 8"."""
    return ", ".join(f"{stage} {int(rank) if rank else 'none'}" for stage, rank in ranks.items())
