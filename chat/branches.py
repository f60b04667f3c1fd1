"""The versions of questions and answers, and which of them a conversation shows.

A conversation is a tree. An answer hangs on its question, and a question on the answer that it was
asked after, so what was said after a version belongs to that version. A question that was edited
is another version of its first wording (``version_of``), and an answer that was made again is
another version of the answers to its question. Of the versions at one place one is chosen; the
chosen ones from the beginning on are the branch that is shown. ``is_chosen`` remembers the choice
at places that are not shown now, ``is_shown`` is the outcome, so that every query may ask for it.

Nothing is ever taken away: another version only takes the place of the one before.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet

from chat.models import ChatSession, Message


@dataclass(frozen=True)
class Versions:
    """Where a message stands among the versions of its place; ``at`` counts from 1."""

    ids: tuple[UUID, ...]
    at: int

    @property
    def count(self) -> int:
        return len(self.ids)

    @property
    def before(self) -> UUID | None:
        return self.ids[self.at - 2] if self.at > 1 else None

    @property
    def after(self) -> UUID | None:
        return self.ids[self.at] if self.at < len(self.ids) else None


@dataclass(frozen=True)
class _Knot:
    """A message as the tree needs it; ``place`` is what its versions have in common."""

    pk: UUID
    ordinal: int
    parent: UUID | None
    place: UUID
    is_chosen: bool
    is_shown: bool


# pk, ordinal, role, question, follows, version_of, is_chosen, is_shown
_Row = tuple[UUID, int, str, UUID | None, UUID | None, UUID | None, bool, bool]


class Tree:
    """One conversation's messages, by what they follow."""

    def __init__(self, knots: Sequence[_Knot]) -> None:
        self.knots = {knot.pk: knot for knot in knots}
        self._children: dict[UUID | None, list[_Knot]] = {}
        for knot in knots:
            self._children.setdefault(knot.parent, []).append(knot)

    @classmethod
    def of(cls, session_id: UUID) -> "Tree":
        """Read with one query, without any text."""
        fields = ("pk", "ordinal", "role", "question_id", "follows_id", "version_of_id")
        rows = Message.objects.filter(session_id=session_id).order_by("ordinal")
        return cls(_knots(list(rows.values_list(*fields, "is_chosen", "is_shown"))))

    def versions(self, pk: UUID) -> list[_Knot]:
        knot = self.knots[pk]
        return [one for one in self._children[knot.parent] if one.place == knot.place]

    def path(self, through: UUID | None = None) -> list[UUID]:
        """The branch of the chosen versions, or the one through a message, oldest first."""
        wanted = self._way_to(through)
        found: list[UUID] = []
        at: UUID | None = None
        while children := self._children.get(at):
            on_the_way = [one for one in children if one.pk in wanted]
            chosen = on_the_way or [one for one in children if one.is_chosen] or children
            at = chosen[-1].pk
            found.append(at)
        return found

    def _way_to(self, pk: UUID | None) -> set[UUID]:
        way: set[UUID] = set()
        while pk is not None and pk not in way:
            way.add(pk)
            pk = self.knots[pk].parent
        return way


def _knots(rows: Iterable[_Row]) -> list[_Knot]:
    """Rows, oldest first, as knots; a question that says of nothing follows the answer before.

    Questions from before there were versions say of nothing: their conversations are one line.
    """
    made: dict[UUID, _Knot] = {}
    last: UUID | None = None
    for pk, ordinal, role, question, follows, version_of, is_chosen, is_shown in rows:
        if role == Message.Role.ASSISTANT:
            parent, place, last = question, question or pk, pk
        elif version_of is not None and version_of in made:
            parent, place = made[version_of].parent, version_of
        else:
            parent, place = follows or last, pk
        made[pk] = _Knot(pk, ordinal, parent, place, is_chosen, is_shown)
    return list(made.values())


def show(session_id: UUID, message_id: UUID) -> None:
    """Choose a version at its place and at those before it, and show the branch through it.

    The caller holds a transaction in which nobody else writes to this conversation.
    """
    tree = Tree.of(session_id)
    chosen = tree.path(message_id)
    for pk in chosen[: chosen.index(message_id) + 1]:
        others = [one.pk for one in tree.versions(pk) if one.pk != pk and one.is_chosen]
        if others or not tree.knots[pk].is_chosen:
            Message.objects.filter(pk__in=others).update(is_chosen=False)
            Message.objects.filter(pk=pk).update(is_chosen=True)
    wanted = set(chosen)
    comes = [one for one in tree.knots.values() if one.pk in wanted and not one.is_shown]
    goes = [one for one in tree.knots.values() if one.pk not in wanted and one.is_shown]
    if comes or goes:
        _turn_over(session_id, comes, goes)


def _turn_over(session_id: UUID, comes: Sequence[_Knot], goes: Sequence[_Knot]) -> None:
    shown = Message.objects.filter(session_id=session_id)
    shown.filter(pk__in=[one.pk for one in goes]).update(is_shown=False)
    shown.filter(pk__in=[one.pk for one in comes]).update(is_shown=True)
    session = ChatSession.objects.filter(pk=session_id)
    session.update(branch=F("branch") + 1)  # a summary in the making is not stored any more
    # A summary tells of what was said before its end; if that is not so any more, it is made anew.
    first = min(one.ordinal for one in (*comes, *goes))
    session.filter(summary_until__gt=first).update(
        summary="", summary_by="", summary_until=0, summary_documents=[]
    )


def branch(session: ChatSession, through: UUID | None = None) -> QuerySet[Message]:
    """The messages that a conversation shows, or those of the branch through one, oldest first."""
    if through is None:
        return session.messages.filter(is_shown=True).order_by("ordinal")
    return session.messages.filter(pk__in=Tree.of(session.pk).path(through)).order_by("ordinal")


def last_shown(session: ChatSession) -> Message | None:
    """The answer that the next question follows."""
    answers = session.messages.filter(role=Message.Role.ASSISTANT, is_shown=True)
    return answers.order_by("-ordinal").first()


def versions_of(messages: Sequence[Message]) -> Mapping[UUID, Versions]:
    """The versions of each of these messages, in the order in which they were made; one query."""
    questions = {m.question_id for m in messages if m.question_id is not None}
    first = {m.version_of_id or m.pk for m in messages if m.role == Message.Role.USER}
    rows = Message.objects.filter(Q(question_id__in=questions) | Q(version_of_id__in=first))
    answers: dict[UUID, list[UUID]] = {}
    wordings: dict[UUID, list[UUID]] = {pk: [pk] for pk in first}
    listed: Any = rows.order_by("ordinal").values_list("pk", "question_id", "version_of_id")
    for pk, question, version_of in listed:
        if question is not None:
            answers.setdefault(question, []).append(pk)
        elif version_of is not None:
            wordings.setdefault(version_of, []).append(pk)
    return {message.pk: _among(message, answers, wordings) for message in messages}


def _among(
    message: Message,
    answers: Mapping[UUID, Sequence[UUID]],
    wordings: Mapping[UUID, Sequence[UUID]],
) -> Versions:
    ids: Sequence[UUID] = [message.pk]  # also of an answer without a question
    if message.question_id is not None:
        ids = answers[message.question_id]
    elif message.role == Message.Role.USER:
        ids = wordings[message.version_of_id or message.pk]
    return Versions(tuple(ids), ids.index(message.pk) + 1)
