"""The pieces of an answer put where readers see them, while the moderation looks at it."""

from dataclasses import dataclass
from functools import partial

from chat.desks import Desk
from chat.generation.answer import Cited, Piece, Used, Words
from chat.runs import Quoted, Run
from chat.safety import Screen
from chat.tokencounts import correct


def put(run: Run, piece: Piece) -> None:
    """One piece into the run; those that say nothing to a reader are left."""
    if isinstance(piece, Words):
        run.write(piece.text)
    elif isinstance(piece, Cited):
        run.cite(Quoted(piece.number, piece.passage, piece.start, piece.end))


@dataclass(frozen=True)
class Putting:
    """Takes the pieces of a model's answer as they come, and None at its end."""

    run: Run
    screen: Screen

    async def __call__(self, piece: Piece | None) -> None:
        """Put it.

        Raises:
            Objectionable: as ``Screen.written``.
        """
        run = self.run
        if isinstance(piece, Used):
            run.chores.append(partial(_count, run.model, piece))
            run.was_redacted = run.was_redacted or piece.was_redacted
        if piece is not None:
            put(run, piece)
        await self.screen.written(is_last=piece is None)


async def _count(model: str, used: Used, desk: Desk) -> None:
    if used.estimated:
        await desk.rows(partial(correct, model, used.estimated, used.tokens))
