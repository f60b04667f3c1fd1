"""One answer with other words than those in use, for staff: nothing of it is kept but its cost."""

from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from chat.calls import CountedModel
from chat.conf import ANSWERABLE, answer_chain
from chat.desks import Desk
from chat.generation import answer as generation
from chat.generation import prompts
from chat.generation.llm import ModelError
from chat.generation.voice import Voice
from knowledge.search import search


@dataclass
class Trial:
    """What would be answered. ``problem`` is a sentence where nothing would."""

    model: str = ""
    system: str = ""  # what the model is told before passages and question
    text: str = ""
    footnotes: list[tuple[int, str, str]] = field(default_factory=list)  # number, title, quote
    problem: str = ""


async def try_voice(desk: Desk, user: Any, question: str, voice: Voice) -> Trial:
    """Answer a question as this person would be answered in this voice."""
    trial = Trial(system=prompts.system(voice))
    chain = await desk.rows(partial(answer_chain, "", user))
    if not chain:
        trial.problem = "No model is set up that writes answers, so nothing would be said in words."
        return trial
    found = await desk.cpu(partial(search, question, user=user))
    if not found.passages or found.answerable < ANSWERABLE:
        trial.problem = (
            "“Not in my documents” would be said: no passage of the search answers this."
        )
        return trial
    trial.model = chain[0].name
    model = CountedModel(desk, chain[0], "answer", voice=voice)
    try:
        async with aclosing(generation.written(question, found.passages, (), model)) as pieces:
            async for piece in pieces:
                _add(trial, piece)
    except ModelError as error:
        trial.problem = f"{trial.model} did not finish: {error}."
    return trial


def _add(trial: Trial, piece: generation.Piece) -> None:
    if isinstance(piece, generation.Words):
        trial.text += piece.text
    elif isinstance(piece, generation.Cited):
        passage = piece.passage
        quote = passage.text[piece.start - passage.start : piece.end - passage.start]
        kept = [note for note in trial.footnotes if note[0] != piece.number]
        trial.footnotes = [*kept, (piece.number, passage.title, quote)]
    elif isinstance(piece, generation.NotFound):
        trial.problem = "The model says that the documents do not answer this."
